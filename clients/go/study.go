package asktell

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync/atomic"
	"time"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

// Study is the unit of tuning: one search space, and what to optimise in it.
type Study struct {
	session *session
	info    atomic.Pointer[StudyInfo]
}

func newStudy(s *session, wire *pb.Study) *Study {
	study := &Study{session: s}
	study.info.Store(decodeStudy(wire))
	return study
}

// Name is "projects/{project}/studies/{study}".
func (s *Study) Name() string { return s.info.Load().Name }

// ID is the last part of the name.
func (s *Study) ID() string { return s.Name()[strings.LastIndex(s.Name(), "/")+1:] }

// Info is the study as of the last call that answered with it; [Study.Refresh] reads it anew.
func (s *Study) Info() StudyInfo { return *s.info.Load() }

// String is the study's name and state.
func (s *Study) String() string { return s.Name() + " " + string(s.info.Load().State) }

// Refresh reads the study anew.
func (s *Study) Refresh(ctx context.Context) error {
	return s.take(s.session.studies.GetStudy(ctx, &pb.GetStudyRequest{Name: s.Name()}))
}

func (s *Study) take(wire *pb.Study, err error) error {
	if err == nil {
		s.info.Store(decodeStudy(wire))
	}
	return err
}

// AskOption changes how [Study.Ask] and [Study.AskMany] ask.
type AskOption func(*askOptions)

type askOptions struct {
	giveUp   time.Time // zero = never
	workerID string
}

// WaitAtMost limits how long an ask waits for a trial to become available; 0 = not at all. The calls themselves may
// take longer.
func WaitAtMost(wait time.Duration) AskOption {
	return func(o *askOptions) { o.giveUp = time.Now().Add(wait) }
}

// AsWorker names the worker that asks, in place of the client's [WithWorkerID].
func AsWorker(id string) AskOption {
	return func(o *askOptions) { o.workerID = id }
}

// Ask returns a trial to run; its lease renews itself until the trial is told, released or closed, so an Ask goes with
// a deferred [Trial.Close]. When nothing can be handed out now, it waits for as long as the context lasts, or as
// [WaitAtMost] says.
//
// Errors: [ErrStudyComplete] (there is nothing more to do), [ErrStudyPaused], [ErrQueueEmpty] (manual search, nothing
// enqueued), [ErrNoTrialAvailable] (not now, and the wait would end before there could be one).
func (s *Study) Ask(ctx context.Context, options ...AskOption) (*Trial, error) {
	trials, err := s.AskMany(ctx, 1, options...)
	if err != nil {
		return nil, err
	}
	return trials[0], nil
}

// AskMany is Ask for several trials; fewer, but at least one, come back when the study cannot give more now.
func (s *Study) AskMany(ctx context.Context, count int, options ...AskOption) ([]*Trial, error) {
	chosen := askOptions{workerID: s.session.settings.workerID}
	for _, option := range options {
		option(&chosen)
	}
	wireCount, err := encodeInt32(count, "count")
	if err != nil {
		return nil, err
	}
	for {
		sentAt := time.Now()
		answer, err := s.session.trials.Ask(ctx, &pb.AskRequest{
			Study: s.Name(), Count: wireCount, WorkerId: chosen.workerID, RequestId: newRequestID(),
		})
		if err == nil && len(answer.GetTrials()) > 0 {
			return s.holdAll(answer.GetTrials(), sentAt), nil
		}
		if err == nil {
			return nil, &Error{Message: "the server answered an ask without a trial", kind: ErrInternal}
		}
		delay := askDelay(err)
		later := errors.Is(err, ErrNoTrialAvailable) || errors.Is(err, ErrOverloaded)
		tooLate := !chosen.giveUp.IsZero() && time.Until(chosen.giveUp) < delay
		if !later || tooLate || !sleepWithin(ctx, delay) {
			return nil, becauseOf(ctx, err)
		}
	}
}

func askDelay(err error) time.Duration {
	delay := retryAfter(err)
	if delay == 0 {
		delay = time.Second
	}
	return jitter(delay, 1.0, 1.2)
}

func (s *Study) holdAll(wires []*pb.Trial, sentAt time.Time) []*Trial {
	trials := make([]*Trial, len(wires))
	for i, wire := range wires {
		held := newLease(s.session.beating, wire, sentAt, s.session.drop)
		trials[i] = newTrial(s.session, wire, held)
		s.session.hold(held)
	}
	return trials
}

// Trial reads one trial with its measurements. Errors: [ErrTrialNotFound].
func (s *Study) Trial(ctx context.Context, number int) (*Trial, error) {
	wire, err := s.session.trials.GetTrial(ctx, &pb.GetTrialRequest{Name: trialName(s.Name(), number)})
	if err != nil {
		return nil, err
	}
	return newTrial(s.session, wire, nil), nil
}

// Trials lists the trials by number, without measurements.
func (s *Study) Trials(ctx context.Context, options ...ListOption) iter.Seq2[*Trial, error] {
	chosen := newListOptions(options)
	return pages(func(token string) ([]*pb.Trial, string, error) {
		if chosen.err != nil {
			return nil, "", chosen.err
		}
		answer, err := s.session.trials.ListTrials(ctx, &pb.ListTrialsRequest{
			Parent: s.Name(), PageSize: chosen.pageSize, PageToken: token, Filter: chosen.filter,
		})
		return answer.GetTrials(), answer.GetNextPageToken(), err
	}, func(wire *pb.Trial) *Trial { return newTrial(s.session, wire, nil) })
}

// BestTrial is the best trial so far. Errors: [ErrNoResults] while there is none.
func (s *Study) BestTrial(ctx context.Context) (*Trial, error) {
	trials, err := s.BestTrials(ctx, 1)
	if err != nil {
		return nil, err
	}
	if len(trials) == 0 {
		return nil, ErrNoResults
	}
	return trials[0], nil
}

// BestTrials are the best trials, best first: at most so many, none while there is no result.
func (s *Study) BestTrials(ctx context.Context, count int) ([]*Trial, error) {
	wireCount, err := encodeInt32(count, "count")
	if err != nil {
		return nil, err
	}
	answer, err := s.session.trials.ListBestTrials(ctx, &pb.ListBestTrialsRequest{Parent: s.Name(), Count: wireCount})
	if err != nil {
		return nil, err
	}
	return newTrials(s.session, answer.GetTrials()), nil
}

// BestByModel is the trial with the best posterior mean of a model. All numbers are in the objective's unit.
type BestByModel struct {
	Trial *Trial
	// Mean is what the objective is expected to be there, without noise; StandardDeviation is how uncertain that is.
	Mean, StandardDeviation float64
	// Noise is the standard deviation of a single result, beyond the standard errors that were told.
	Noise float64
}

// BestByModel is the best trial when noise is taken off: where results differ from run to run, the one with the best
// value may have been lucky. It is nil where results are not noisy, and while the server is too busy for a model.
func (s *Study) BestByModel(ctx context.Context) (*BestByModel, error) {
	answer, err := s.session.trials.ListBestTrials(ctx, &pb.ListBestTrialsRequest{Parent: s.Name(), ByModel: true})
	if err != nil || answer.GetBestByModel() == nil {
		return nil, err
	}
	best := answer.GetBestByModel()
	return &BestByModel{
		Trial: newTrial(s.session, best.GetTrial(), nil),
		Mean:  best.GetMean(), StandardDeviation: best.GetStandardDeviation(), Noise: best.GetNoise(),
	}, nil
}
