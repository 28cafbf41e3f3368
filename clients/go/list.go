package asktell

import (
	"iter"
	"math"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

const defaultPageSize = 500

// ListOption narrows a list; all conditions hold together.
type ListOption func(*listOptions)

type listOptions struct {
	pageSize int32
	filter   *pb.TrialFilter
	err      error
}

// WithStates lists only trials in one of these states.
func WithStates(states ...TrialState) ListOption {
	return func(o *listOptions) {
		for _, state := range states {
			code, err := encodeEnum[pb.TrialState](state, "TRIAL_STATE_", "filter.states")
			if err != nil {
				o.err = err
			}
			o.filter.States = append(o.filter.States, code)
		}
	}
}

// WithWorker lists only trials of exactly this worker.
func WithWorker(id string) ListOption {
	return func(o *listOptions) { o.filter.WorkerId = id }
}

// WithLabels lists only what has all of these labels.
func WithLabels(labels map[string]string) ListOption {
	return func(o *listOptions) { o.filter.Labels = labels }
}

// WithPageSize says how many are fetched with one call, at most 1,000. Default: 500.
func WithPageSize(size int) ListOption {
	return func(o *listOptions) { o.pageSize = int32(min(max(size, math.MinInt32), math.MaxInt32)) }
}

func newListOptions(options []ListOption) *listOptions {
	chosen := &listOptions{pageSize: defaultPageSize, filter: &pb.TrialFilter{}}
	for _, option := range options {
		option(chosen)
	}
	return chosen
}

// pages walks through a list page by page; the next page is fetched when the loop gets there.
func pages[Wire, Item any](
	fetch func(token string) ([]Wire, string, error), decode func(Wire) Item,
) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		token := ""
		for {
			page, next, err := fetch(token)
			if err != nil {
				var none Item
				yield(none, err)
				return
			}
			for _, wire := range page {
				if !yield(decode(wire), nil) {
					return
				}
			}
			if next == "" {
				return
			}
			token = next
		}
	}
}
