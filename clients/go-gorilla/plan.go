// The plan: reading it, and whether this client can carry it out.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
)

// readPlan reads the plan and makes a session for each of its connections.
func readPlan(stdin *bufio.Reader) (*run, []*session, error) {
	line, err := readLine(stdin)
	if errors.Is(err, io.EOF) {
		return nil, nil, errors.New("no plan on stdin: `harness plan NAME` prints one")
	} else if err != nil {
		return nil, nil, err
	}
	read, err := parseLine(line)
	if err != nil {
		return nil, nil, err
	}
	p, isPlan := read.(*plan)
	if !isPlan {
		return nil, nil, errors.New("`stop` came before a plan on stdin")
	}
	addresses, err := p.check()
	if err != nil {
		return nil, nil, err
	}
	meter, err := openMeter(p.Meter, len(p.Urls))
	if err != nil {
		return nil, nil, fmt.Errorf("plan: meter cannot be mapped: %w", err)
	}
	r := &run{plan: p, awaited: len(addresses)}
	var sessions []*session
	for i, address := range addresses {
		received, processed := meter.counters(i)
		processor := newProcessor(p, &r.stop, received, processed)
		sessions = append(sessions, &session{r, p.Urls[i], address, processor})
	}
	return r, sessions, nil
}

// check returns the addresses in the plan's URLs, if the client can carry the plan out.
func (p *plan) check() ([]string, error) {
	if p.Ca != nil {
		return nil, errors.New("plan: ca: this client speaks no TLS: leave it out")
	}
	switch p.Format {
	case "binary", "json", "classic-binary", "classic-json":
	default:
		return nil, fmt.Errorf("plan: format is `%s`: choose binary, json, classic-binary or classic-json", p.Format)
	}
	var addresses []string
	for _, url := range p.Urls {
		address, _, hasPath := strings.Cut(strings.TrimPrefix(url, "ws://"), "/")
		if _, err := netip.ParseAddrPort(address); err != nil || !hasPath || !strings.HasPrefix(url, "ws://") {
			return nil, fmt.Errorf("plan: urls is `%s`: it has to be ws://IP:PORT/PATH, such as ws://127.0.0.1:9001/ticks", url)
		}
		addresses = append(addresses, address)
	}
	return addresses, nil
}
