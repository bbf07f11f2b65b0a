// A client of the tick bench in Go: gorilla/websocket, used as its documentation shows. A
// goroutine for each connection reads messages until the end.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"

	"github.com/gorilla/websocket"
)

const (
	// How much to ask of the socket at a time; the same for every client.
	readBufferBytes = 128 << 10
	// The largest message that is taken; the same for every client.
	maxMessageBytes = 1 << 20
)

// Set by build.sh, as the library does not export it.
var libraryVersion = "unknown"

func main() {
	nextReader := flag.Bool("next-reader", false, "read all messages into one buffer")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "unexpected argument `%s`: there is only --next-reader\n", flag.Arg(0))
		os.Exit(2)
	}
	identity := hello{
		Name:      "go-gorilla",
		Versions:  []string{runtime.Version(), "gorilla/websocket " + libraryVersion},
		Runtime:   "Go, a goroutine for each connection",
		Transport: "net.TCPConn (epoll)",
		Class:     "library",
	}
	os.Exit(runClient(identity, func(s *session) (connectionEnd, error) { return client(s, *nextReader) }))
}

// client opens one connection and reads it to its end.
func client(s *session, nextReader bool) (connectionEnd, error) {
	stream, err := net.Dial("tcp", s.address)
	if err != nil {
		return connectionEnd{}, fmt.Errorf("cannot connect: %w", err)
	}
	if err := s.registerSocket(stream.(*net.TCPConn)); err != nil {
		return connectionEnd{}, err
	}
	dialer := websocket.Dialer{
		NetDial:        func(string, string) (net.Conn, error) { return stream, nil },
		ReadBufferSize: readBufferBytes,
	}
	conn, _, err := dialer.Dial(s.url, nil)
	if err != nil {
		return connectionEnd{}, fmt.Errorf("the WebSocket handshake failed: %w", err)
	}
	conn.SetReadLimit(maxMessageBytes)
	if err := s.ready(); err != nil {
		return connectionEnd{}, err
	}
	return readAll(conn, s.processor, nextReader), nil
}

// readAll reads to the end of the connection. The library answers pings and close frames
// while it is asked for messages.
func readAll(conn *websocket.Conn, p *processor, nextReader bool) connectionEnd {
	read := conn.ReadMessage
	if nextReader {
		read = intoOneBuffer(conn)
	}
	for {
		kind, payload, err := read()
		if err != nil {
			return endOf(err)
		}
		if !p.process(kind == websocket.TextMessage, payload) {
			return connectionEnd{stopped: true}
		}
	}
}

// intoOneBuffer is ReadMessage without a new buffer for each message.
func intoOneBuffer(conn *websocket.Conn) func() (int, []byte, error) {
	var buffer bytes.Buffer
	return func() (int, []byte, error) {
		kind, reader, err := conn.NextReader()
		if err != nil {
			return kind, nil, err
		}
		buffer.Reset()
		_, err = buffer.ReadFrom(reader)
		return kind, buffer.Bytes(), err
	}
}

// endOf distinguishes a close frame from any other end: for a stream without a close frame
// the library returns a close error with code 1006.
func endOf(err error) connectionEnd {
	var closed *websocket.CloseError
	if errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure {
		return connectionEnd{code: closed.Code}
	}
	return connectionEnd{failure: err.Error()}
}
