// The plan: reading lines of the contract, checking what they say, and mapping
// the meter.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"unsafe"
)

const (
	contractVersion = 2
	maxLineBytes    = 1 << 20
)

type sample struct {
	First  uint64 `json:"first"`
	Stride uint64 `json:"stride"`
}

type plan struct {
	Urls               []string        `json:"urls"`
	Format             string          `json:"format"`
	Symbols            uint32          `json:"symbols"`
	Schedule           json.RawMessage `json:"schedule"`
	DurationNs         uint64          `json:"duration_ns"`
	Sample             sample          `json:"sample"`
	WorkNs             uint64          `json:"work_ns"`
	QueueBound         uint64          `json:"queue_bound"`
	ReceiveBufferBytes *uint32         `json:"receive_buffer_bytes"`
	MemoryCeilingBytes uint64          `json:"memory_ceiling_bytes"`
	Meter              *string         `json:"meter"`
	ConnectDeadlineMs  uint64          `json:"connect_deadline_ms"`
	DeadlineMs         uint64          `json:"deadline_ms"`
}

var planKeys = strings.Fields(`type contract urls format symbols schedule duration_ns sample work_ns
	queue_bound receive_buffer_bytes memory_ceiling_bytes meter connect_deadline_ms deadline_ms`)

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

// parseLine gives the keys of a line of the contract and its type.
func parseLine(line []byte) (map[string]json.RawMessage, string, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(line, &keys); err != nil {
		return nil, "", content(err.Error(), line)
	}
	var kind string
	if json.Unmarshal(keys["type"], &kind) != nil || (kind != "plan" && kind != "stop") {
		return nil, "", content("its type is neither plan nor stop", line)
	}
	return keys, kind, nil
}

func content(why string, line []byte) error {
	excerpt := strings.ToValidUTF8(string(line[:min(len(line), 60)]), "")
	return fmt.Errorf("not a contract line: %s; the line begins `%s`", why, excerpt)
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}

// checkKeys wants exactly these keys.
func checkKeys(keys map[string]json.RawMessage, wanted []string) error {
	known := make(map[string]bool)
	for _, key := range wanted {
		known[key] = true
		if _, ok := keys[key]; !ok {
			return fmt.Errorf("missing key `%s`", key)
		}
	}
	for key := range keys {
		if !known[key] {
			return fmt.Errorf("unknown key `%s`", key)
		}
	}
	return nil
}

func readPlan(stdin *bufio.Reader) (*run, []*session, error) {
	line, err := readLine(stdin)
	if errors.Is(err, io.EOF) {
		return nil, nil, errors.New("no plan on stdin: `harness plan NAME` prints one")
	} else if err != nil {
		return nil, nil, err
	}
	keys, kind, err := parseLine(line)
	if err != nil {
		return nil, nil, err
	}
	if kind == "stop" {
		return nil, nil, errors.New("`stop` came before a plan on stdin")
	}
	var version uint64
	if json.Unmarshal(keys["contract"], &version) == nil && version != contractVersion {
		return nil, nil, fmt.Errorf("contract version %d, but this program speaks version %d", version, contractVersion)
	}
	if err := checkKeys(keys, planKeys); err != nil {
		return nil, nil, content(err.Error(), line)
	}
	p := &plan{}
	if err := json.Unmarshal(line, p); err != nil {
		return nil, nil, content(err.Error(), line)
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
