// The lines of the contract, each key once, as the tag of a field: reading, the errors
// about keys, and writing derive from them. A key with `omitempty` may be absent; `limits`
// are the least and the most of a number, or of the length of a list.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

const contractVersion = 2

type plan struct {
	Contract           uint64   `json:"contract"`
	Urls               []string `json:"urls" limits:"1 10000"`
	Ca                 *string  `json:"ca,omitempty"`
	Format             string   `json:"format"`
	Symbols            uint32   `json:"symbols" limits:"1 1048576"`
	Schedule           schedule `json:"schedule"`
	DurationNs         uint64   `json:"duration_ns"`
	Sample             sample   `json:"sample"`
	WorkNs             uint64   `json:"work_ns" limits:"0 100000000"`
	QueueBound         uint64   `json:"queue_bound" limits:"1 16777216"`
	ReceiveBufferBytes *uint32  `json:"receive_buffer_bytes" limits:"1 2147483647"`
	MemoryCeilingBytes uint64   `json:"memory_ceiling_bytes" limits:"1 18446744073709551615"`
	Meter              *string  `json:"meter"`
	ConnectDeadlineMs  uint64   `json:"connect_deadline_ms" limits:"1 18446744073709551615"`
	DeadlineMs         uint64   `json:"deadline_ms" limits:"1 18446744073709551615"`
}

type sample struct {
	First  uint64 `json:"first" limits:"0 1152921504606846976"`
	Stride uint64 `json:"stride" limits:"1 1152921504606846976"`
}

// schedule is the offered load, which this client checks but does not use.
type schedule struct{}

// The keys of each kind of schedule, besides `kind`.
var schedules = map[string]any{
	"rate": struct {
		RatePerS uint64 `json:"rate_per_s"`
	}{},
	"flood": struct{}{},
	"burst": struct {
		BasePerS  uint64 `json:"base_per_s"`
		BurstPerS uint64 `json:"burst_per_s"`
		PeriodNs  uint64 `json:"period_ns"`
		LengthNs  uint64 `json:"length_ns"`
	}{},
	"ramp": struct {
		FromPerS uint64 `json:"from_per_s"`
		ToPerS   uint64 `json:"to_per_s"`
		OverNs   uint64 `json:"over_ns"`
	}{},
	"poisson": struct {
		RatePerS uint64 `json:"rate_per_s"`
		Seed     uint64 `json:"seed"`
	}{},
	"replay": struct {
		Ticks  uint64 `json:"ticks"`
		SpanNs uint64 `json:"span_ns"`
	}{},
}

type stop struct{}

type hello struct {
	Contract  uint64   `json:"contract"`
	Name      string   `json:"name"`
	Versions  []string `json:"versions"`
	Runtime   string   `json:"runtime"`
	Transport string   `json:"transport"`
	Class     string   `json:"class"`
	Queue     queue    `json:"queue"`
}

type queue struct {
	Kind  string  `json:"kind"`
	Bound *uint64 `json:"bound"`
}

type ready struct{}

type samples struct {
	Connection int         `json:"connection"`
	Rows       [][3]uint64 `json:"rows"`
}

type counts struct {
	Received    uint64 `json:"received"`
	Processed   uint64 `json:"processed"`
	Queued      uint64 `json:"queued"`
	Gaps        uint64 `json:"gaps"`
	Duplicates  uint64 `json:"duplicates"`
	Reorders    uint64 `json:"reorders"`
	Undecodable uint64 `json:"undecodable"`
	Checksum    uint64 `json:"checksum"`
}

// add adds every count of another connection.
func (c *counts) add(other *counts) {
	sum, part := reflect.ValueOf(c).Elem(), reflect.ValueOf(other).Elem()
	for i := 0; i < sum.NumField(); i++ {
		sum.Field(i).SetUint(sum.Field(i).Uint() + part.Field(i).Uint())
	}
}

type final struct {
	counts
	Ended  string  `json:"ended"`
	Detail *string `json:"detail"`
}

// formatLine gives a line to be written; its type is the name of the struct.
func formatLine(line any) ([]byte, error) {
	text, err := json.Marshal(line)
	if err != nil {
		return nil, err
	}
	head := fmt.Sprintf(`{"type":"%s"`, reflect.TypeOf(line).Name())
	if len(text) > len(`{}`) {
		head += ","
	}
	return append([]byte(head), append(text[1:], '\n')...), nil
}

// parseLine reads a line of stdin: a *plan or a *stop.
func parseLine(line []byte) (any, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(line, &keys); err != nil {
		return nil, &lineError{err, line}
	}
	var name string
	if err := json.Unmarshal(keys["type"], &name); err != nil {
		name = ""
	}
	delete(keys, "type")
	var into any
	switch name {
	case "plan":
		var version uint64
		if json.Unmarshal(keys["contract"], &version) == nil && version != contractVersion {
			return nil, versionError(version)
		}
		into = &plan{}
	case "stop":
		into = &stop{}
	default:
		return nil, &lineError{unknownType(name), line}
	}
	err := readKeys(keys, into, "")
	if err == nil {
		return into, nil
	}
	err = fmt.Errorf("%s: %w", name, err)
	if errors.As(err, new(*rangeError)) {
		// A value out of its range stands on a line that can be read.
		return nil, err
	}
	return nil, &lineError{err, line}
}

// readKeys reads exactly the keys that the tags of a struct name, at every level;
// `above` is put before a key where an error names it.
func readKeys(keys map[string]json.RawMessage, into any, above string) error {
	target := reflect.ValueOf(into).Elem()
	known := make(map[string]bool)
	for i := 0; i < target.NumField(); i++ {
		tag := target.Type().Field(i).Tag
		key, option, _ := strings.Cut(tag.Get("json"), ",")
		known[key] = true
		value, isThere := keys[key]
		if !isThere && option != "omitempty" {
			return &keyError{missingKey, above + key}
		}
		if !isThere {
			continue
		}
		if err := readValue(value, target.Field(i), above+key); err != nil {
			return err
		}
		if err := checkLimits(target.Field(i), tag.Get("limits"), above+key); err != nil {
			return err
		}
	}
	for key := range keys {
		if !known[key] {
			return &keyError{unknownKey, above + key}
		}
	}
	return nil
}

func readValue(value json.RawMessage, into reflect.Value, key string) error {
	isNull := string(value) == "null"
	if isNull && into.Kind() != reflect.Pointer {
		return &keyError{wrongKind, key}
	}
	if into.Kind() != reflect.Struct {
		if json.Unmarshal(value, into.Addr().Interface()) != nil {
			return &keyError{wrongKind, key}
		}
		return nil
	}
	var keys map[string]json.RawMessage
	if json.Unmarshal(value, &keys) != nil {
		return &keyError{wrongKind, key}
	}
	target := into.Addr().Interface()
	if _, isSchedule := target.(*schedule); isSchedule {
		var kind string
		if json.Unmarshal(keys["kind"], &kind) != nil || schedules[kind] == nil {
			return &keyError{wrongKind, key}
		}
		delete(keys, "kind")
		target = reflect.New(reflect.TypeOf(schedules[kind])).Interface()
	}
	return readKeys(keys, target, key+".")
}

// checkLimits checks a number, or the length of a list.
func checkLimits(value reflect.Value, limits, key string) error {
	if value.Kind() == reflect.Pointer {
		value = value.Elem()
	}
	if limits == "" || !value.IsValid() {
		return nil
	}
	e := &rangeError{key: key}
	if _, err := fmt.Sscan(limits, &e.least, &e.most); err != nil {
		return err
	}
	if value.Kind() == reflect.Slice {
		e.found = uint64(value.Len())
	} else {
		e.found = value.Uint()
	}
	if e.found < e.least || e.found > e.most {
		return e
	}
	return nil
}

// rangeError is a value that cannot be carried out.
type rangeError struct {
	key                string
	found, least, most uint64
}

func (e *rangeError) Error() string {
	return fmt.Sprintf("%s is %d: choose %d to %d", e.key, e.found, e.least, e.most)
}

// lineError is about a line that cannot be read.
type lineError struct {
	cause error
	line  []byte
}

func (e *lineError) Error() string {
	excerpt := strings.ToValidUTF8(string(e.line[:min(len(e.line), 60)]), "")
	return fmt.Sprintf("not a contract line: %s; the line begins `%s`", e.cause, excerpt)
}

func (e *lineError) Unwrap() error { return e.cause }

// versionError is the contract's version that the other side speaks.
type versionError uint64

func (e versionError) Error() string {
	return fmt.Sprintf("contract version %d, but this program speaks version %d", uint64(e), contractVersion)
}

// unknownType is a line's type that is neither plan nor stop.
type unknownType string

func (e unknownType) Error() string { return fmt.Sprintf("unknown type `%s`", string(e)) }

type keyFault string

const (
	unknownKey keyFault = "unknown key"
	missingKey keyFault = "missing key"
	wrongKind  keyFault = "a value of the wrong kind at key"
)

// keyError is a key that is wrong.
type keyError struct {
	fault keyFault
	key   string
}

func (e *keyError) Error() string { return fmt.Sprintf("%s `%s`", e.fault, e.key) }

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}
