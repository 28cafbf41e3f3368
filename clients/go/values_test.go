package asktell

import (
	"errors"
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

type named int

func TestValuesKeepTheirKind(t *testing.T) {
	for _, each := range []struct{ value, want any }{
		{0.1, 0.1}, {float32(0.5), 0.5}, {2.0, 2.0}, {math.SmallestNonzeroFloat64, math.SmallestNonzeroFloat64},
		{7, int64(7)}, {int64(1 << 53), int64(1 << 53)}, {uint8(7), int64(7)}, {named(7), int64(7)},
		{"größer", "größer"}, {"true", "true"}, {true, true}, {false, false},
	} {
		wire, err := encodeValue(each.value, "x")
		if err != nil {
			t.Fatal(err)
		}
		sent, err := proto.Marshal(wire)
		if err != nil {
			t.Fatal(err)
		}
		var received pb.ParameterValue
		if err := proto.Unmarshal(sent, &received); err != nil {
			t.Fatal(err)
		}
		if got := decodeValue(&received); got != each.want {
			t.Errorf("%v of %T became %v of %T", each.value, each.value, got, got)
		}
	}
}

func TestOtherValuesAreRefusedByName(t *testing.T) {
	for _, value := range []any{nil, []int{1}, uint64(math.MaxUint64), complex(1, 1), new(1)} {
		_, err := encodeParams(Params{"lr": value}, "trials[0]")
		failure, ok := errors.AsType[*Error](err)
		if !ok || !errors.Is(err, ErrInvalidArgument) || failure.Field() != `trials[0].params["lr"]` {
			t.Errorf("%v: %v", value, err)
		}
	}
}

func TestParamsAreReadByKind(t *testing.T) {
	params := Params{"lr": 0.1, "batch": int64(16), "kind": "a", "flag": true}
	if params.Float("lr") != 0.1 || params.Float("batch") != 16 || params.Int("batch") != 16 ||
		params.Category("kind") != "a" || !params.Bool("flag") {
		t.Error(params)
	}
	for message, read := range map[string]func(){
		`parameter "lr" is not an int`:       func() { params.Int("lr") },
		`no parameter "momentum"`:            func() { params.Float("momentum") },
		`parameter "flag" is not a category`: func() { params.Category("flag") },
		`parameter "kind" is not a bool`:     func() { params.Bool("kind") },
	} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.Contains(text, message) {
					t.Errorf("panic with %q, want %q", text, message)
				}
			}()
			read()
		}()
	}
}

func TestStandardErrorsNeedTheirMetric(t *testing.T) {
	wire, err := encodeMetrics(Metrics{"loss": 0.1}, StandardErrors{"loss": 0})
	if err != nil || wire["loss"].StandardError == nil {
		t.Error(wire, err) // 0 is known to be exact, which is not the same as not known
	}
	if _, err := encodeMetrics(Metrics{"loss": 0.1}, StandardErrors{"los": 0.1}); !errors.Is(err, ErrInvalidArgument) {
		t.Error(err)
	}
}

func TestLongReasonsAreShortened(t *testing.T) {
	if short := shortened(strings.Repeat("ü", 5000)); len([]rune(short)) != longestReason || !strings.HasSuffix(short, "ü…") {
		t.Error(len([]rune(short)))
	}
	if same := strings.Repeat("ü", 4096); shortened(same) != same {
		t.Error("a reason of the greatest length was shortened")
	}
}
