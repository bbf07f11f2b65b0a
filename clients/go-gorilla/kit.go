// What every client does around its reading: plan in, hello out, meter, stop,
// deadlines, report out. The page is harness/contract/README.md.
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

// So many rows go on a `samples` line.
const samplesPerLine = 2048

// ending is how the reading of one connection ended: a close frame with a
// code, the kit's own wish, or in any other way.
type ending struct {
	code   int
	asked  bool
	broken string
}

// session is one connection of a run.
type session struct {
	run     *run
	url     string
	address string
	taker   *taker
}

// run is what the connections, the deadlines and stdin have in common.
type run struct {
	plan  *plan
	stop  atomic.Bool
	mutex sync.Mutex
	// Below the mutex.
	awaited int
	isOver  bool
	cause   string // why it was ended from outside: as `ended`
	fault   error  // the harness broke the contract
	sockets []*net.TCPConn
}

// play runs a client from its plan to its report and returns its exit code.
func play(who hello, client func(*session) (ending, error)) int {
	begin := time.Now()
	stdin := bufio.NewReaderSize(os.Stdin, maxLineBytes+1)
	r, sessions, err := readPlan(stdin)
	if err != nil {
		return fail(err, 2)
	}
	who.Contract, who.Queue = contractVersion, queue{Kind: "none"}
	if err := say(who); err != nil {
		return fail(err, 1)
	}
	r.keepDeadlines(begin)
	go r.listen(stdin)
	ends, failures := make([]ending, len(sessions)), make(chan error, len(sessions))
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
	if err := r.report(sessions, ends); err != nil {
		return fail(err, 1)
	}
	return 0
}

func fail(err error, code int) int {
	fmt.Fprintln(os.Stderr, err)
	return code
}

// adopt sets what the plan wants of the socket, before the handshake.
func (s *session) adopt(socket *net.TCPConn) error {
	if err := socket.SetNoDelay(true); err != nil {
		return err
	}
	if bytes := s.run.plan.ReceiveBufferBytes; bytes != nil {
		if err := socket.SetReadBuffer(int(*bytes)); err != nil {
			return err
		}
	}
	s.run.mutex.Lock()
	defer s.run.mutex.Unlock()
	s.run.sockets = append(s.run.sockets, socket)
	return nil
}

// ready says so with the last of the connections.
func (s *session) ready() error {
	s.run.mutex.Lock()
	defer s.run.mutex.Unlock()
	s.run.awaited--
	if s.run.awaited > 0 {
		return nil
	}
	return say(ready{})
}

// keepDeadlines counts them from the plan.
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

// listen waits for `stop` or the end of stdin.
func (r *run) listen(stdin *bufio.Reader) {
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

// end ends the run from outside: readers that wait get the end of the stream.
// One that is not connected yet may hang where nothing can wake it, so the
// process ends here.
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
	if err := say(final{Ended: cause, Detail: &detail}); err != nil {
		os.Exit(fail(err, 1))
	}
	os.Exit(0)
}

// report says samples and final.
func (r *run) report(sessions []*session, ends []ending) error {
	r.mutex.Lock()
	r.isOver = true
	cause, fault := r.cause, r.fault
	r.mutex.Unlock()
	if fault != nil {
		return fault
	}
	var books final
	for i, s := range sessions {
		t := s.taker
		if t.dropped > 0 {
			return fmt.Errorf("no room for %d samples: plan a larger sample.stride", t.dropped)
		}
		books.add(t.counts())
		for rows := t.sorted(); len(rows) > 0; {
			count := min(len(rows), samplesPerLine)
			if err := say(samples{i, rows[:count]}); err != nil {
				return err
			}
			rows = rows[count:]
		}
	}
	var err error
	if books.Ended, books.Detail, err = conclude(ends, cause); err != nil {
		return err
	}
	return say(books)
}

// conclude says how all of it ended: as the first that was not simply closed.
func conclude(ends []ending, cause string) (string, *string, error) {
	at := len(ends)
	for i := len(ends) - 1; i >= 0; i-- {
		if ends[i].code != 1000 {
			at = i
		}
	}
	switch {
	case at == len(ends):
		return "closed", nil, nil
	case cause != "":
		return cause, nil, nil
	case ends[at].asked:
		return "", nil, errors.New("it ended before it was asked to")
	case ends[at].broken != "":
		return "disconnected", &ends[at].broken, nil
	}
	detail := fmt.Sprintf("close code %d", ends[at].code)
	return "disconnected", &detail, nil
}
