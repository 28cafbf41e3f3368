package asktell

import (
	"errors"
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

func TestValuesKeepTheirKind(t *testing.T) {
	for _, each := range []struct {
		value *pb.ParameterValue
		want  any
	}{
		{ValueOf(0.1), 0.1}, {ValueOf(2.0), 2.0},
		{ValueOf(math.SmallestNonzeroFloat64), math.SmallestNonzeroFloat64},
		{ValueOf(7), int64(7)}, {ValueOf(int64(1 << 53)), int64(1 << 53)},
		{ValueOf("größer"), "größer"}, {ValueOf("true"), "true"}, {ValueOf(true), true}, {ValueOf(false), false},
	} {
		sent, err := proto.Marshal(each.value)
		if err != nil {
			t.Fatal(err)
		}
		var received pb.ParameterValue
		if err := proto.Unmarshal(sent, &received); err != nil {
			t.Fatal(err)
		}
		if got := (Params{"x": &received}).Any("x"); got != each.want {
			t.Errorf("%v became %v of %T", each.want, got, got)
		}
	}
}

func TestAValueOfANewerServerIsNone(t *testing.T) {
	if value := (Params{"x": &pb.ParameterValue{}}).Any("x"); value != nil {
		t.Error(value)
	}
}

func TestParamsAreReadByKind(t *testing.T) {
	params := Params{"lr": ValueOf(0.1), "batch": ValueOf(16), "kind": ValueOf("a"), "flag": ValueOf(true)}
	if params.String() != "batch=16 flag=true kind=a lr=0.1" {
		t.Error(params)
	}
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

func TestParamsHaveDerivedParametersToo(t *testing.T) {
	space := WithDerived(Space(Int("x", 1, 9)), "twice", "2 * x")
	derived := space.GetDerivedParameters()
	if len(derived) != 1 || derived[0].GetName() != "twice" || derived[0].GetExpression() != "2 * x" {
		t.Errorf("got %v", derived)
	}
	record := &pb.Trial{
		Name: "t", Parameters: Params{"x": ValueOf(4)}, DerivedParameters: Params{"twice": ValueOf(8)},
	}
	if params := ParamsOf(record); params.Int("x") != 4 || params.Int("twice") != 8 {
		t.Errorf("got %v", params)
	}
	if len(record.GetParameters()) != 1 {
		t.Error("the record has changed")
	}
	if shown := showTrial(record); !strings.Contains(shown, "twice=8 x=4") {
		t.Errorf("shown: %s", shown)
	}
}

func TestStandardErrorsNeedTheirMetric(t *testing.T) {
	wire, err := Metrics{"loss": 0.1}.Records(StandardErrors{"loss": 0})
	if err != nil || wire["loss"].StandardError == nil {
		t.Error(wire, err) // 0 is known to be exact, which is not the same as not known
	}
	if _, err := (Metrics{"loss": 0.1}).Records(StandardErrors{"los": 0.1}); !errors.Is(err, ErrInvalidArgument) {
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
