package asktell

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// node is a place in a study file. Its methods panic with a *StudyFileError, which ParseStudyFile catches: a file is
// read top down, and the first mistake ends it.
type node struct {
	yaml *yaml.Node
	path string // the keys that lead to it
}

type entry struct {
	key   string
	value node
}

// mapping keeps the file's order: that of the parameters is the order of tables.
type mapping struct{ entries []entry }

var (
	wholeNumber = regexp.MustCompile(`^[-+]?[0-9][0-9_]*$`)
	// As the other clients read numbers: 1e-5 is one, though YAML 1.1 takes it for a string.
	realNumber = regexp.MustCompile(`^([-+]?([0-9][0-9_]*)?\.?[0-9]+([eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*\.([eE][-+]?[0-9]+)?)$`)
	yamlError  = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)
)

func parseYAML(data []byte) node {
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		mistake := &StudyFileError{Message: err.Error()}
		if parts := yamlError.FindStringSubmatch(err.Error()); parts != nil {
			mistake.Message = parts[2]
			if line, err := strconv.Atoi(parts[1]); err == nil {
				mistake.Line, mistake.Column = line, 1
			}
		}
		panic(mistake)
	}
	if len(document.Content) == 0 {
		panic(&StudyFileError{Message: "is empty"})
	}
	return node{yaml: document.Content[0]}
}

func (n node) refuse(format string, arguments ...any) {
	message := fmt.Sprintf(format, arguments...)
	if n.path != "" {
		message = n.path + ": " + message
	}
	panic(&StudyFileError{Line: n.yaml.Line, Column: n.yaml.Column, Message: message})
}

func (n node) isMapping() bool { return n.yaml.Kind == yaml.MappingNode }

// mapping refuses keys that are not known (nil = all are), come twice, or are required and missing.
func (n node) mapping(known []string, required ...string) mapping {
	if !n.isMapping() {
		n.refuse("must be a mapping (key: value), got %s", n.shown())
	}
	var found mapping
	for i := 0; i+1 < len(n.yaml.Content); i += 2 {
		keyNode := node{yaml: n.yaml.Content[i], path: n.path}
		key := keyNode.text()
		path := key
		if n.path != "" {
			path = n.path + "." + key
		}
		if _, twice := found.get(key); twice {
			node{yaml: keyNode.yaml, path: path}.refuse("stands here twice")
		}
		if known != nil && !slices.Contains(known, key) {
			keyNode.refuse("unknown key %q; known are %s", key, strings.Join(known, ", "))
		}
		value := n.yaml.Content[i+1]
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		found.entries = append(found.entries, entry{key: key, value: node{yaml: value, path: path}})
	}
	for _, key := range required {
		if _, ok := found.get(key); !ok {
			n.refuse("%s is missing", key)
		}
	}
	return found
}

func (m mapping) get(key string) (node, bool) {
	i := slices.IndexFunc(m.entries, func(e entry) bool { return e.key == key })
	if i < 0 {
		return node{}, false
	}
	return m.entries[i].value, true
}

// must is for keys that mapping has required.
func (m mapping) must(key string) node {
	value, _ := m.get(key)
	return value
}

func (m mapping) part(key string, known ...string) mapping {
	value, ok := m.get(key)
	if !ok {
		return mapping{}
	}
	return value.mapping(known)
}

func optional[T any](m mapping, key string, read func(node) T) T {
	if value := pointer(m, key, read); value != nil {
		return *value
	}
	var none T
	return none
}

func pointer[T any](m mapping, key string, read func(node) T) *T {
	value, ok := m.get(key)
	if !ok {
		return nil
	}
	return new(read(value))
}

func each[From, To any](items []From, read func(From) To) []To {
	list := make([]To, len(items))
	for i, item := range items {
		list[i] = read(item)
	}
	return list
}

func (n node) items() []node {
	if n.yaml.Kind != yaml.SequenceNode {
		n.refuse("must be a list, got %s", n.shown())
	}
	items := make([]node, len(n.yaml.Content))
	for i, item := range n.yaml.Content {
		items[i] = node{yaml: item, path: fmt.Sprintf("%s[%d]", n.path, i)}
	}
	return items
}

// text takes a plain word even where YAML takes it for a bool, as in [on, off].
func (n node) text() string {
	value := n.scalar("a string")
	if n.isPlain() && (wholeNumber.MatchString(value) || realNumber.MatchString(value)) {
		n.refuse("must be a string, got the number %s; write %q if you mean the text", value, value)
	}
	return value
}

func (n node) texts() map[string]string {
	texts := make(map[string]string)
	for _, entry := range n.mapping(nil).entries {
		texts[entry.key] = entry.value.text()
	}
	return texts
}

func (n node) isInteger() bool { return n.isPlain() && wholeNumber.MatchString(n.yaml.Value) }

func (n node) integer() int64 {
	value := n.scalar("a whole number")
	if !n.isInteger() {
		n.refuse("must be a whole number, got %s", n.shown())
	}
	whole, err := strconv.ParseInt(strings.ReplaceAll(value, "_", ""), 10, 64)
	if err != nil {
		n.refuse("must fit 64 bits, got %s", value)
	}
	return whole
}

func (n node) count() int { return int(n.integer()) }

func (n node) number() float64 {
	value := n.scalar("a number")
	if !n.isPlain() || !wholeNumber.MatchString(value) && !realNumber.MatchString(value) {
		n.refuse("must be a number, got %s", n.shown())
	}
	real, err := strconv.ParseFloat(strings.ReplaceAll(value, "_", ""), 64)
	if err != nil {
		n.refuse("must fit a double, got %s", value)
	}
	return real
}

func (n node) boolean() bool {
	value := n.scalar("true or false")
	switch strings.ToLower(value) {
	case "true", "yes", "on":
		return true
	case "false", "no", "off":
		return false
	}
	n.refuse("must be true or false, got %s", n.shown())
	return false
}

func (n node) choice(allowed ...string) string {
	value := n.scalar("one of " + strings.Join(allowed, ", "))
	if !slices.Contains(allowed, value) {
		n.refuse("must be one of %s, got %q", strings.Join(allowed, ", "), value)
	}
	return value
}

func (n node) time() time.Time {
	value := n.scalar("a time")
	at, err := time.Parse(time.RFC3339Nano, strings.Replace(value, " ", "T", 1))
	if err != nil {
		n.refuse("must be a time with its zone, as in 2026-12-01T12:00:00Z, got %q", value)
	}
	return at
}

// lease is in seconds; 0 means for ever, as on the wire.
func (n node) lease() time.Duration {
	seconds := n.number()
	switch {
	case seconds == 0:
		return Endless
	case math.Abs(seconds) > math.MaxInt64/1e9:
		n.refuse("is too long, got %v s", seconds)
	}
	return time.Duration(math.Round(seconds * 1e9))
}

func (n node) isPlain() bool { return n.yaml.Kind == yaml.ScalarNode && n.yaml.Style == 0 }

func (n node) scalar(wanted string) string {
	empty := n.isPlain() && slices.Contains([]string{"", "~", "null"}, n.yaml.Value)
	if n.yaml.Kind != yaml.ScalarNode || empty {
		n.refuse("must be %s, got %s", wanted, n.shown())
	}
	return n.yaml.Value
}

func (n node) shown() string {
	switch {
	case n.yaml.Kind == yaml.MappingNode:
		return "a mapping"
	case n.yaml.Kind == yaml.SequenceNode:
		return "a list"
	case n.yaml.Value == "":
		return "nothing"
	default:
		return strconv.Quote(n.yaml.Value)
	}
}
