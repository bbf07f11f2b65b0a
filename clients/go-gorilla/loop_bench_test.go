package main

import (
	"bytes"
	"encoding/binary"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

const floodTicks = 500_000

// flood returns floodTicks binary ticks as frames, then a close frame with code 1000.
func flood() []byte {
	var out bytes.Buffer
	for seq := uint64(0); seq < floodTicks; seq++ {
		var frame [30]byte
		frame[0], frame[1] = 0x82, 28
		binary.LittleEndian.PutUint32(frame[2:], uint32(seq%64))
		binary.LittleEndian.PutUint64(frame[6:], math.Float64bits(412.55))
		binary.LittleEndian.PutUint64(frame[14:], seq)
		binary.LittleEndian.PutUint64(frame[22:], seq)
		out.Write(frame[:])
	}
	out.Write([]byte{0x88, 2, 3, 232})
	return out.Bytes()
}

// listen sends the same bytes to each connection, over a real socket.
func listen(b *testing.B, frames []byte) string {
	upgrader := websocket.Upgrader{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		for rest := frames; len(rest) > 0; {
			count := min(len(rest), 128<<10)
			if _, err := conn.UnderlyingConn().Write(rest[:count]); err != nil {
				return
			}
			rest = rest[count:]
		}
		conn.ReadMessage()
	}))
	b.Cleanup(server.Close)
	return "ws" + strings.TrimPrefix(server.URL, "http")
}

func timed(b *testing.B, url string, read func(*websocket.Conn) uint64) time.Duration {
	dialer := websocket.Dialer{NetDial: net.Dial, ReadBufferSize: readBufferBytes}
	conn, _, err := dialer.Dial(url, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	begin := time.Now()
	if count := read(conn); count != floodTicks {
		b.Fatalf("%d ticks", count)
	}
	return time.Since(begin)
}

// bare counts messages and does nothing with them.
func bare(conn *websocket.Conn) (count uint64) {
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			return count
		}
		count++
	}
}

// bareOneBuffer does the same with one buffer, as the variant does.
func bareOneBuffer(conn *websocket.Conn) (count uint64) {
	for read := intoOneBuffer(conn); ; count++ {
		if _, _, err := read(); err != nil {
			return count
		}
	}
}

// clientLoop is the client's own loop: every tick checked, every 997th stamped.
func clientLoop(nextReader bool) func(*websocket.Conn) uint64 {
	return func(conn *websocket.Conn) uint64 {
		var received, processed uint64
		p := &plan{Format: "binary", Symbols: 64, Sample: sample{First: 498, Stride: 997}}
		processor := newProcessor(p, new(atomic.Bool), &received, &processed)
		readAll(conn, processor, nextReader)
		return processed
	}
}

// compare reports the rate of the client relative to the bare loop: the median of pairs, in
// turns.
func compare(b *testing.B, bare, client func(*websocket.Conn) uint64) {
	url := listen(b, flood())
	ratios, spent := make([]float64, b.N), time.Duration(0)
	for i := range ratios {
		one, other := timed(b, url, bare), timed(b, url, client)
		ratios[i] = one.Seconds() / other.Seconds()
		spent += other
	}
	sort.Float64s(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "of-the-bare-loop")
	b.ReportMetric(float64(floodTicks)*float64(b.N)/spent.Seconds()/1e6, "Mticks/s")
}

func BenchmarkReadMessage(b *testing.B) { compare(b, bare, clientLoop(false)) }

func BenchmarkNextReader(b *testing.B) { compare(b, bareOneBuffer, clientLoop(true)) }
