// The work on each tick, the same as in the kit of the Rust clients: decode, sequence check,
// checksum, last prices, work, stamps and counts.
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"sort"
	"sync/atomic"
	"syscall"
	"unsafe"
)

const (
	// No run has a tick with a higher seq.
	maxSeq = 1 << 60
	// Room for this many stamps is set aside at the start.
	initialRows = 1 << 17
	// No plan needs more rows; too small a stride would fill the memory.
	maxRows = 1 << 22
)

type tick struct {
	symbol uint32
	price  float64
	ts     int64
	seq    uint64
}

// jsonTick is filled with values that no tick has before it is decoded into, so that a
// missing key is noticed.
type jsonTick struct {
	Symbol uint32  `json:"symbol"`
	Price  float64 `json:"price"`
	Ts     int64   `json:"ts"`
	Seq    uint64  `json:"seq"`
}

// processor processes the ticks of one connection.
type processor struct {
	plan       *plan
	stop       *atomic.Bool
	received   *uint64 // in the meter
	processed  *uint64 // in the meter
	counted    counts  // but for those of the sequence
	sequence   sequence
	nextSample uint64
	prices     []float64
	scratch    jsonTick
	rows       [][3]uint64
	dropped    int
}

func newProcessor(plan *plan, stop *atomic.Bool, received, processed *uint64) *processor {
	return &processor{
		plan: plan, stop: stop, received: received, processed: processed,
		nextSample: plan.Sample.First,
		prices:     make([]float64, plan.Symbols),
		rows:       make([][3]uint64, 0, initialRows),
	}
}

// counts returns the counts of this connection.
func (p *processor) counts() *counts {
	all := p.counted
	all.Gaps, all.Duplicates, all.Reorders = p.sequence.gaps, p.sequence.duplicates, p.sequence.reorders
	return &all
}

// process processes one message; false: no more messages are to be read.
func (p *processor) process(isText bool, payload []byte) bool {
	expected := p.sequence.next
	var receivedNs uint64
	if expected == p.nextSample {
		receivedNs = nowNs()
	}
	p.counted.Received++
	atomic.StoreUint64(p.received, p.counted.Received)
	one, ok := p.decode(isText, payload, expected)
	if !ok || int64(one.symbol) >= int64(len(p.prices)) || one.seq > maxSeq {
		p.counted.Undecodable++
		return !p.stop.Load()
	}
	isSampled := expected == p.nextSample
	if one.seq == expected {
		p.sequence.next++
	} else {
		isSampled = p.recordUnexpected(one.seq)
	}
	if isSampled && receivedNs == 0 {
		receivedNs = nowNs()
	}
	p.work(&one)
	if isSampled {
		p.stamp(one.seq, receivedNs)
	}
	p.counted.Processed++
	atomic.StoreUint64(p.processed, p.counted.Processed)
	return !p.stop.Load()
}

// decode decodes a payload. expected is the seq in formats without one.
func (p *processor) decode(isText bool, payload []byte, expected uint64) (tick, bool) {
	one := tick{seq: expected}
	switch p.plan.Format {
	case "binary", "classic-binary":
		length := 28
		if p.plan.Format == "classic-binary" {
			length = 20
		}
		if isText || len(payload) != length {
			return one, false
		}
		one.symbol = binary.LittleEndian.Uint32(payload)
		one.price = math.Float64frombits(binary.LittleEndian.Uint64(payload[4:]))
		one.ts = int64(binary.LittleEndian.Uint64(payload[12:]))
		if length == 28 {
			one.seq = binary.LittleEndian.Uint64(payload[20:])
		}
	default:
		keys, seq := 4, uint64(math.MaxUint64)
		if p.plan.Format == "classic-json" {
			keys, seq = 3, expected
		}
		p.scratch = jsonTick{math.MaxUint32, math.NaN(), math.MinInt64, seq}
		// An unknown key is one more colon, as all values are numbers.
		if !isText || json.Unmarshal(payload, &p.scratch) != nil ||
			bytes.Count(payload, []byte(":")) != keys || p.scratch.Ts == math.MinInt64 {
			return one, false
		}
		one = tick{p.scratch.Symbol, p.scratch.Price, p.scratch.Ts, p.scratch.Seq}
	}
	return one, !math.IsNaN(one.price) && !math.IsInf(one.price, 0)
}

func (p *processor) work(one *tick) {
	p.counted.Checksum += cents(one.price)
	p.prices[one.symbol] = one.price
	if p.plan.WorkNs > 0 {
		for end := nowNs() + p.plan.WorkNs; nowNs() < end; {
		}
	}
}

func (p *processor) stamp(seq, receivedNs uint64) {
	if len(p.rows) < maxRows {
		p.rows = append(p.rows, [3]uint64{seq, receivedNs, nowNs()})
	} else {
		p.dropped++
	}
	p.nextSample = p.plan.Sample.atOrAfter(p.sequence.next)
}

// recordUnexpected records a seq that was not expected; true: its tick is to be stamped.
func (p *processor) recordUnexpected(seq uint64) bool {
	isDuplicate := p.sequence.recordUnexpected(seq)
	p.nextSample = p.plan.Sample.atOrAfter(p.sequence.next)
	return !isDuplicate && p.plan.Sample.atOrAfter(seq) == seq
}

// sorted returns the rows with ascending seqs: only late ticks are out of place.
func (p *processor) sorted() [][3]uint64 {
	sort.Slice(p.rows, func(i, j int) bool { return p.rows[i][0] < p.rows[j][0] })
	return p.rows
}

// cents is the price as a whole number of cents.
func cents(price float64) uint64 {
	switch rounded := price*100 + 0.5; {
	case rounded < 0:
		return 0
	case rounded >= math.MaxUint64:
		return math.MaxUint64
	default:
		return uint64(rounded)
	}
}

// atOrAfter is the first sampled seq that is at least seq.
func (s *sample) atOrAfter(seq uint64) uint64 {
	if seq <= s.First {
		return s.First
	}
	return s.First + (seq-s.First+s.Stride-1)/s.Stride*s.Stride
}

// nowNs reads CLOCK_MONOTONIC, which Go's own time does not expose. It is a system call;
// only sampled ticks pay for it.
func nowNs() uint64 {
	const clockMonotonic = 1
	var ts syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&ts)), 0)
	return uint64(ts.Nano())
}
