package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
)

// The lines of one type, made from the Rust types: a key that is added, renamed or removed
// there fails these tests.
type lines struct {
	AllKeys    json.RawMessage   `json:"all_keys"`
	Minimal    json.RawMessage   `json:"minimal"`
	Values     []json.RawMessage `json:"values"`
	UnknownKey []json.RawMessage `json:"unknown_key"`
}

func (l lines) valid() []json.RawMessage {
	return append([]json.RawMessage{l.AllKeys, l.Minimal}, l.Values...)
}

type fixture struct {
	Contract uint64           `json:"contract"`
	Read     map[string]lines `json:"read"`
	Written  map[string]lines `json:"written"`
}

func readFixture(t *testing.T) (all fixture) {
	text, err := os.ReadFile("../kit/fixtures/lines.json")
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func keysOf(t *testing.T, line []byte) (keys map[string]json.RawMessage) {
	if err := json.Unmarshal(line, &keys); err != nil {
		t.Fatal(err)
	}
	delete(keys, "type")
	return keys
}

func TestEveryLineIsReadAndUnknownAndMissingKeysAreRefused(t *testing.T) {
	all := readFixture(t)
	if all.Contract != contractVersion || len(all.Read) != 2 {
		t.Fatalf("version %d, types %v", all.Contract, all.Read)
	}
	refused := func(line []byte, fault keyFault) {
		_, err := parseLine(line)
		if found := (&keyError{}); !errors.As(err, &found) || found.fault != fault {
			t.Errorf("%s: %v", line, err)
		}
	}
	for name, lines := range all.Read {
		for _, line := range lines.valid() {
			if _, err := parseLine(line); err != nil {
				t.Error(err)
			}
		}
		for _, line := range lines.UnknownKey {
			refused(line, unknownKey)
		}
		for key := range keysOf(t, lines.Minimal) {
			keys := keysOf(t, lines.Minimal)
			delete(keys, key)
			keys["type"], _ = json.Marshal(name)
			line, _ := json.Marshal(keys)
			refused(line, missingKey)
		}
	}
}

// A line of the fixture, read into the struct that is written: it has all keys and no
// others, and is written as it was.
func TestEveryLineIsWritten(t *testing.T) {
	all := readFixture(t)
	for name, lines := range all.Written {
		for _, line := range lines.valid() {
			var written []byte
			var err error
			switch name {
			case "hello":
				keys := keysOf(t, line)
				// For clients with another clock, which this one has not.
				delete(keys, "clock_error_ns")
				line, _ = json.Marshal(keys)
				written, err = again(line, &hello{})
			case "ready":
				written, err = again(line, &ready{})
			case "samples":
				written, err = again(line, &samples{})
			case "final":
				keys := keysOf(t, line)
				// For pages, whose counts come by messages.
				delete(keys, "counts_age_ns")
				line, _ = json.Marshal(keys)
				written, err = again(line, &final{})
			case "unavailable":
				// Where it cannot run, it cannot be built.
				continue
			default:
				t.Fatalf("unknown type %s", name)
			}
			if err != nil {
				t.Fatal(err)
			}
			if found := keysOf(t, written); !reflect.DeepEqual(decoded(t, found), decoded(t, keysOf(t, line))) {
				t.Errorf("%s is written as %s", line, written)
			}
		}
	}
}

func compact(t *testing.T, line []byte) string {
	var out bytes.Buffer
	if err := json.Compact(&out, line); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func again(line []byte, into any) ([]byte, error) {
	if err := json.Unmarshal(line, into); err != nil {
		return nil, err
	}
	return formatLine(reflect.ValueOf(into).Elem().Interface())
}

func decoded(t *testing.T, keys map[string]json.RawMessage) (all any) {
	text, err := json.Marshal(keys)
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestABadLineIsRefused(t *testing.T) {
	for _, line := range []string{"hello?", "null", `{"type":"hello"}`, `{"type":5}`, "{}"} {
		if _, err := parseLine([]byte(line)); !errors.As(err, new(*lineError)) {
			t.Errorf("%s: %v", line, err)
		}
	}
	if _, err := parseLine([]byte(`{"type":"plan","contract":1}`)); !errors.As(err, new(versionError)) {
		t.Error(err)
	}
	plan := compact(t, readFixture(t).Read["plan"].Minimal)
	for _, change := range [][2]string{
		{`"symbols":64`, `"symbols":0`},
		{`"stride":7`, `"stride":0`},
		{`"queue_bound":256`, `"queue_bound":16777217`},
		{`"receive_buffer_bytes":null`, `"receive_buffer_bytes":0`},
	} {
		line := strings.Replace(plan, change[0], change[1], 1)
		if _, err := parseLine([]byte(line)); !errors.As(err, new(*rangeError)) {
			t.Errorf("%s: %v", change[1], err)
		}
	}
}
