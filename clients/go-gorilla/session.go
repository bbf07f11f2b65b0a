// One connection of a run.
package main

import "net"

// session is one connection of a run.
type session struct {
	run       *run
	url       string
	address   string
	processor *processor
}

const normalClosure = 1000

// connectionEnd is how the reading of one connection ended: with the code of a close frame,
// stopped by the kit, or with the message of a failure.
type connectionEnd struct {
	code    int
	stopped bool
	failure string
}

// registerSocket sets the plan's socket options, before the handshake, and makes the reader
// stoppable.
func (s *session) registerSocket(socket *net.TCPConn) error {
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

// ready is called after the handshake; with the last connection it writes `ready`.
func (s *session) ready() error {
	s.run.mutex.Lock()
	defer s.run.mutex.Unlock()
	s.run.awaited--
	if s.run.awaited > 0 {
		return nil
	}
	return writeLine(ready{})
}
