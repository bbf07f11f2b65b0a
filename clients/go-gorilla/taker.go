// The work on each tick, the same as in the kit of the Rust clients: decode,
// order, checksum, last prices, work, stamps and counts.
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
	// A seq beyond this is no tick of any run.
	maxSeq = 1 << 60
	// So many ranges of skipped seqs are remembered.
	maxRanges = 1 << 20
	// Room for so many stamps from the start; a plan with more than the most
	// has too small a stride.
	firstRows = 1 << 17
	mostRows  = 1 << 22
)

type tick struct {
	symbol uint32
	price  float64
	ts     int64
	seq    uint64
}

// jsonTick is filled with values that no tick has before it is decoded to, so
// that a missing key is seen.
type jsonTick struct {
	Symbol uint32  `json:"symbol"`
	Price  float64 `json:"price"`
	Ts     int64   `json:"ts"`
	Seq    uint64  `json:"seq"`
}

// taker keeps the books of one connection.
type taker struct {
	plan       *plan
	stop       *atomic.Bool
	received   *uint64 // in the meter
	processed  *uint64 // in the meter
	books      counts  // but for those of the sequence
	sequence   sequence
	nextSample uint64
	prices     []float64
	scratch    jsonTick
	rows       [][3]uint64
	dropped    int
}

func newTaker(p *plan, stop *atomic.Bool, received, processed *uint64) *taker {
	return &taker{
		plan: p, stop: stop, received: received, processed: processed,
		nextSample: p.Sample.First,
		prices:     make([]float64, p.Symbols),
		rows:       make([][3]uint64, 0, firstRows),
	}
}

// counts gives what the report says of this connection.
func (t *taker) counts() *counts {
	all := t.books
	all.Gaps, all.Duplicates, all.Reorders = t.sequence.gaps, t.sequence.duplicates, t.sequence.reorders
	return &all
}

// take works on one message; false: it was the last one to take.
func (t *taker) take(isText bool, payload []byte) bool {
	expected := t.sequence.next
	var receivedNs uint64
	if expected == t.nextSample {
		receivedNs = nowNs()
	}
	t.books.Received++
	atomic.StoreUint64(t.received, t.books.Received)
	one, ok := t.decode(isText, payload, expected)
	if !ok || int64(one.symbol) >= int64(len(t.prices)) || one.seq > maxSeq {
		t.books.Undecodable++
		return !t.stop.Load()
	}
	isSampled := expected == t.nextSample
	if one.seq == expected {
		t.sequence.next++
	} else {
		isSampled = t.irregular(one.seq)
	}
	if isSampled && receivedNs == 0 {
		receivedNs = nowNs()
	}
	t.work(&one)
	if isSampled {
		t.stamp(one.seq, receivedNs)
	}
	t.books.Processed++
	atomic.StoreUint64(t.processed, t.books.Processed)
	return !t.stop.Load()
}

// decode reads all of a payload. expected is the seq of formats without one.
func (t *taker) decode(isText bool, payload []byte, expected uint64) (tick, bool) {
	one := tick{seq: expected}
	switch t.plan.Format {
	case "binary", "classic-binary":
		length := 28
		if t.plan.Format == "classic-binary" {
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
		if t.plan.Format == "classic-json" {
			keys, seq = 3, expected
		}
		t.scratch = jsonTick{math.MaxUint32, math.NaN(), math.MinInt64, seq}
		// A key too many is one more colon, as all values are numbers.
		if !isText || json.Unmarshal(payload, &t.scratch) != nil ||
			bytes.Count(payload, []byte(":")) != keys || t.scratch.Ts == math.MinInt64 {
			return one, false
		}
		one = tick{t.scratch.Symbol, t.scratch.Price, t.scratch.Ts, t.scratch.Seq}
	}
	return one, !math.IsNaN(one.price) && !math.IsInf(one.price, 0)
}

func (t *taker) work(one *tick) {
	t.books.Checksum += cents(one.price)
	t.prices[one.symbol] = one.price
	if t.plan.WorkNs > 0 {
		for end := nowNs() + t.plan.WorkNs; nowNs() < end; {
		}
	}
}

func (t *taker) stamp(seq, receivedNs uint64) {
	if len(t.rows) < mostRows {
		t.rows = append(t.rows, [3]uint64{seq, receivedNs, nowNs()})
	} else {
		t.dropped++
	}
	t.nextSample = t.plan.Sample.atOrAfter(t.sequence.next)
}

// irregular notes a seq that was not expected; true: its tick is to be stamped.
func (t *taker) irregular(seq uint64) bool {
	again := t.sequence.irregular(seq)
	t.nextSample = t.plan.Sample.atOrAfter(t.sequence.next)
	return !again && t.plan.Sample.atOrAfter(seq) == seq
}

// sorted gives the rows with ascending seqs: only late ticks are out of place.
func (t *taker) sorted() [][3]uint64 {
	sort.Slice(t.rows, func(i, j int) bool { return t.rows[i][0] < t.rows[j][0] })
	return t.rows
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

// sequence tells which seqs were skipped, came late or came again.
type sequence struct {
	next, gaps, duplicates, reorders uint64
	missing                          [][2]uint64 // [first, end), ascending
}

// irregular notes a seq that is not next; true: it has come before.
func (s *sequence) irregular(seq uint64) bool {
	if seq >= s.next {
		s.gaps += seq - s.next
		if seq > s.next && len(s.missing) < maxRanges {
			s.missing = append(s.missing, [2]uint64{s.next, seq})
		}
		s.next = seq + 1
		return false
	}
	at := sort.Search(len(s.missing), func(i int) bool { return s.missing[i][1] > seq })
	if at == len(s.missing) || s.missing[at][0] > seq {
		s.duplicates++
		return true
	}
	first, end := s.missing[at][0], s.missing[at][1]
	var rest [][2]uint64
	if first < seq {
		rest = append(rest, [2]uint64{first, seq})
	}
	if seq+1 < end {
		rest = append(rest, [2]uint64{seq + 1, end})
	}
	s.missing = append(s.missing[:at], append(rest, s.missing[at+1:]...)...)
	s.gaps--
	s.reorders++
	return false
}

// atOrAfter is the first sampled seq that is at least seq.
func (s *sample) atOrAfter(seq uint64) uint64 {
	if seq <= s.First {
		return s.First
	}
	return s.First + (seq-s.First+s.Stride-1)/s.Stride*s.Stride
}

// nowNs reads CLOCK_MONOTONIC, which Go's own time hides. It is a system call
// here; only sampled ticks pay for it.
func nowNs() uint64 {
	const clockMonotonic = 1
	var ts syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&ts)), 0)
	return uint64(ts.Nano())
}
