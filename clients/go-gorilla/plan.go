// The plan: whether this client can carry it out, and the meter.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"unsafe"
)

// readLine gives the next line, without its end; io.EOF when there is none.
func readLine(from *bufio.Reader) ([]byte, error) {
	line, err := from.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, fmt.Errorf("a contract line is longer than %d bytes", maxLineBytes)
	}
	if err != nil && len(line) == 0 {
		return nil, err
	}
	return bytes.TrimSuffix(line, []byte("\n")), nil
}

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
		received := (*uint64)(unsafe.Pointer(&meter[64+128*i]))
		processed := (*uint64)(unsafe.Pointer(&meter[128+128*i]))
		t := newTaker(p, &r.stop, received, processed)
		sessions = append(sessions, &session{r, p.Urls[i], address, t})
	}
	return r, sessions, nil
}

// check gives the addresses in the plan's URLs, once all of it is sound.
func (p *plan) check() ([]string, error) {
	const maxSeq, most = 1 << 60, 1<<64 - 1
	if p.Ca != nil {
		return nil, errors.New("plan: ca: this client speaks no TLS: leave it out")
	}
	receiveBufferBytes := uint64(1)
	if p.ReceiveBufferBytes != nil {
		receiveBufferBytes = uint64(*p.ReceiveBufferBytes)
	}
	for _, limit := range []struct {
		key                string
		found, least, most uint64
	}{
		{"urls", uint64(len(p.Urls)), 1, 10_000},
		{"symbols", uint64(p.Symbols), 1, 1 << 20},
		{"sample.first", p.Sample.First, 0, maxSeq},
		{"sample.stride", p.Sample.Stride, 1, maxSeq},
		{"work_ns", p.WorkNs, 0, 100_000_000},
		{"queue_bound", p.QueueBound, 1, 1 << 24},
		{"memory_ceiling_bytes", p.MemoryCeilingBytes, 1, most},
		{"connect_deadline_ms", p.ConnectDeadlineMs, 1, most},
		{"deadline_ms", p.DeadlineMs, 1, most},
		{"receive_buffer_bytes", receiveBufferBytes, 1, 1<<31 - 1},
	} {
		if limit.found < limit.least || limit.found > limit.most {
			return nil, fmt.Errorf("plan: %s is %d: choose %d to %d", limit.key, limit.found, limit.least, limit.most)
		}
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

// openMeter maps the meter file; a plan without one gets memory that nobody reads.
func openMeter(path *string, connections int) ([]byte, error) {
	const page = 4096
	length := (128*(connections+1) + page - 1) / page * page
	if path == nil {
		return syscall.Mmap(-1, 0, length, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	}
	file, err := os.OpenFile(*path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	magic := make([]byte, 8)
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if _, err := file.ReadAt(magic, 0); err != nil || string(magic) != "TICKMTR1" || info.Size() != int64(length) {
		return nil, errors.New("not a meter file")
	}
	return syscall.Mmap(int(file.Fd()), 0, length, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
}
