// The check of the order of seqs.
package main

import "sort"

// At most this many ranges of skipped seqs are remembered.
const maxRanges = 1 << 20

// sequence counts seqs that were skipped, came late or came again.
type sequence struct {
	next, gaps, duplicates, reorders uint64
	missing                          [][2]uint64 // skipped: [first, end), ascending
}

// recordUnexpected records a seq that is not next; true: it has come before.
func (s *sequence) recordUnexpected(seq uint64) bool {
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
