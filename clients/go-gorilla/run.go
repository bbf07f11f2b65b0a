// A run from its plan to its report: plan in, hello out, stop, deadlines, report out. The
// contract is described in harness/contract/README.md.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// run is shared by the connections, the deadlines and the reader of stdin.
type run struct {
	plan  *plan
	stop  atomic.Bool
	mutex sync.Mutex
	// Protected by the mutex:
	awaited int
	isOver  bool
	cause   string // why it was ended from outside: the value of `ended`
	fault   error  // how the harness broke the contract
	sockets []*net.TCPConn
}

// runClient runs a client from its plan to its report and returns its exit code.
func runClient(identity hello, client func(*session) (connectionEnd, error)) int {
	begin := time.Now()
	stdin := bufio.NewReaderSize(os.Stdin, maxLineBytes+1)
	r, sessions, err := readPlan(stdin)
	if err != nil {
		return fail(err, 2)
	}
	identity.Contract, identity.Queue = contractVersion, queue{Kind: "none"}
	if err := writeLine(identity); err != nil {
		return fail(err, 1)
	}
	r.keepDeadlines(begin)
	go r.waitForStop(stdin)
	ends, failures := make([]connectionEnd, len(sessions)), make(chan error, len(sessions))
	for i, s := range sessions {
		go func(i int, s *session) {
			var err error
			ends[i], err = client(s)
			failures <- err
		}(i, s)
	}
	for range sessions {
		if err := <-failures; err != nil {
			return fail(err, 1)
		}
	}
	if err := r.writeReport(sessions, ends); err != nil {
		return fail(err, 1)
	}
	return 0
}

func fail(err error, code int) int {
	fmt.Fprintln(os.Stderr, err)
	return code
}

// keepDeadlines starts the timers of both deadlines, which count from the plan.
func (r *run) keepDeadlines(begin time.Time) {
	after := func(ms uint64, do func()) {
		time.AfterFunc(time.Duration(min64(ms, 1<<40))*time.Millisecond-time.Since(begin), do)
	}
	after(r.plan.ConnectDeadlineMs, func() {
		r.mutex.Lock()
		defer r.mutex.Unlock()
		if r.awaited > 0 && !r.isOver {
			urls := strings.Join(r.plan.Urls, ", ")
			os.Exit(fail(fmt.Errorf("not connected to %s within %d ms", urls, r.plan.ConnectDeadlineMs), 1))
		}
	})
	after(r.plan.DeadlineMs, func() { r.end("deadline", nil) })
}

func min64(a, b uint64) uint64 {
	if a < b {
		return a
	}
	return b
}

// waitForStop waits for `stop` or the end of stdin.
func (r *run) waitForStop(stdin *bufio.Reader) {
	line, err := readLine(stdin)
	if err != nil {
		r.end("stopped", nil)
		return
	}
	read, err := parseLine(line)
	if _, isPlan := read.(*plan); isPlan {
		err = errors.New("a second plan on stdin")
	}
	r.end("stopped", err)
}

// end ends the run from outside: readers that wait get the end of the stream. A client that
// is not connected yet may hang where nothing can wake it, so the process ends here.
func (r *run) end(cause string, fault error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.isOver || r.cause != "" {
		return
	}
	r.cause, r.fault = cause, fault
	r.stop.Store(true)
	if r.awaited == 0 {
		for _, socket := range r.sockets {
			socket.CloseRead()
		}
		return
	}
	if fault != nil {
		os.Exit(fail(fault, 1))
	}
	detail := "before it was connected"
	if err := writeLine(final{Ended: cause, Detail: &detail}); err != nil {
		os.Exit(fail(err, 1))
	}
	os.Exit(0)
}

// writeReport writes samples and final.
func (r *run) writeReport(sessions []*session, ends []connectionEnd) error {
	r.mutex.Lock()
	r.isOver = true
	cause, fault := r.cause, r.fault
	r.mutex.Unlock()
	if fault != nil {
		return fault
	}
	var all final
	for i, s := range sessions {
		t := s.processor
		if t.dropped > 0 {
			return fmt.Errorf("no room for %d samples: plan a larger sample.stride", t.dropped)
		}
		all.add(t.counts())
		for rows := t.sorted(); len(rows) > 0; {
			count := min(len(rows), samplesPerLine)
			if err := writeLine(samples{i, rows[:count]}); err != nil {
				return err
			}
			rows = rows[count:]
		}
	}
	var err error
	if all.Ended, all.Detail, err = endOfAll(ends, cause); err != nil {
		return err
	}
	return writeLine(all)
}

// endOfAll is the end of the first connection that was not closed with code 1000.
func endOfAll(ends []connectionEnd, cause string) (string, *string, error) {
	at := len(ends)
	for i := len(ends) - 1; i >= 0; i-- {
		if ends[i].code != normalClosure {
			at = i
		}
	}
	switch {
	case at == len(ends):
		return "closed", nil, nil
	case cause != "":
		return cause, nil, nil
	case ends[at].stopped:
		return "", nil, errors.New("the client ended before it was asked to")
	case ends[at].failure != "":
		return "disconnected", &ends[at].failure, nil
	}
	detail := fmt.Sprintf("close code %d", ends[at].code)
	return "disconnected", &detail, nil
}
