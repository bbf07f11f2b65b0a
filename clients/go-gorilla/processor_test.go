package main

import (
	"math"
	"math/rand"
	"testing"
)

func TestSequenceAgreesWithAPlainSet(t *testing.T) {
	for seed := int64(0); seed < 300; seed++ {
		random := rand.New(rand.NewSource(seed))
		var s sequence
		seen := make(map[uint64]bool)
		var highest, late, again uint64
		for count := random.Intn(200); count > 0; count-- {
			seq := uint64(random.Intn(60))
			if seq == s.next {
				s.next++
			} else if came := s.recordUnexpected(seq); came != seen[seq] {
				t.Fatalf("seed %d: seq %d came before: %v", seed, seq, came)
			}
			switch {
			case seen[seq]:
				again++
			case seq+1 < highest:
				late++
			}
			seen[seq] = true
			if seq+1 > highest {
				highest = seq + 1
			}
		}
		want := sequence{next: highest, gaps: highest - uint64(len(seen)), duplicates: again, reorders: late}
		if s.next != want.next || s.gaps != want.gaps || s.duplicates != want.duplicates || s.reorders != want.reorders {
			t.Fatalf("seed %d: %+v, wanted %+v", seed, s, want)
		}
	}
}

func TestSamplesAndCents(t *testing.T) {
	s := sample{First: 3, Stride: 7}
	for seq, want := range map[uint64]uint64{0: 3, 3: 3, 4: 10, 10: 10, 11: 17} {
		if got := s.atOrAfter(seq); got != want {
			t.Errorf("at or after %d: %d, wanted %d", seq, got, want)
		}
	}
	for price, want := range map[float64]uint64{412.55: 41255, 0.29: 29, -3: 0, 1e300: math.MaxUint64} {
		if got := cents(price); got != want {
			t.Errorf("cents of %v: %d, wanted %d", price, got, want)
		}
	}
}

func TestMessagesThatAreNotTicksAreNotDecoded(t *testing.T) {
	decode := func(format, text string) bool {
		_, ok := (&processor{plan: &plan{Format: format}}).decode(true, []byte(text), 0)
		return ok
	}
	if !decode("json", `{"symbol":7,"price":412.55,"ts":81,"seq":2}`) ||
		!decode("classic-json", `{"ts":81,"price":412.55,"symbol":7}`) {
		t.Error("a tick is not decoded")
	}
	for _, text := range []string{
		`{"symbol":7,"price":412.55,"ts":81}`,
		`{"symbol":7,"price":412.55,"ts":81,"seq":2,"more":3}`,
		`{"symbol":7,"price":412.55,"ts":null,"seq":2}`,
		`{"symbol":7,"price":null,"ts":81,"seq":2}`,
		`{"symbol":-7,"price":412.55,"ts":81,"seq":2}`,
		`{"symbol":7,"price":412.55,"ts":81,"seq":2}{}`,
		`[7,412.55,81,2]`, ``,
	} {
		if decode("json", text) {
			t.Errorf("decoded: %s", text)
		}
	}
}
