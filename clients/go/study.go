package asktell

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

// Study is the unit of tuning: one search space, and what to optimise in it.
type Study struct {
	session *session
	record  atomic.Pointer[pb.Study]
	best    atomic.Pointer[pb.Trial] // as of the last ListBestTrials; nil where that has no single feasible one
}

func newStudy(s *session, record *pb.Study) *Study {
	study := &Study{session: s}
	study.record.Store(record)
	return study
}

// Name is "projects/{project}/studies/{study}".
func (s *Study) Name() string { return s.Record().GetName() }

// ID is the last part of the name.
func (s *Study) ID() string { return s.Name()[strings.LastIndex(s.Name(), "/")+1:] }

// Record is the study as of the last call that answered with it; [Study.Refresh] reads it anew.
func (s *Study) Record() *StudyRecord { return s.record.Load() }

// String is the study's name and state, how much of its budget is used up, and its best trial, where there is a single one
// that keeps the outcome constraints; each as of the last call that answered with it.
func (s *Study) String() string { return showStudy(s.Record(), s.best.Load()) }

// Refresh reads the study anew.
func (s *Study) Refresh(ctx context.Context) error {
	return s.take(s.session.studies.GetStudy(ctx, &pb.GetStudyRequest{Name: s.Name()}))
}

func (s *Study) take(record *pb.Study, err error) error {
	if err == nil {
		s.record.Store(record)
	}
	return err
}

// Update changes fields of the study to those of the given record, each named by its path in it, for example
// "stopping_rules.max_trials"; a path whose field is unset takes the rule or limit away. When the record carries an etag,
// the study must still have it.
//
// Errors: [ErrInvalidArgument], [ErrEtagMismatch].
func (s *Study) Update(ctx context.Context, changes *StudyRecord, paths ...string) error {
	study := proto.CloneOf(changes)
	study.Name = s.Name()
	mask := &fieldmaskpb.FieldMask{Paths: paths}
	return s.take(s.session.studies.UpdateStudy(ctx, &pb.UpdateStudyRequest{Study: study, UpdateMask: mask}))
}

// Pause hands out no trials until [Study.Resume]; results are still taken.
func (s *Study) Pause(ctx context.Context) error {
	return s.Update(ctx, &StudyRecord{State: pb.StudyState_STUDY_STATE_PAUSED}, "state")
}

// Resume hands out trials again. A study that a stopping rule has finished goes on with other rules, by [Study.Update].
// Errors: [ErrStudyComplete] when there is nothing more to do.
func (s *Study) Resume(ctx context.Context) error {
	return s.Update(ctx, &StudyRecord{State: pb.StudyState_STUDY_STATE_ACTIVE}, "state")
}

// Finish hands out no more trials; results of running ones are still taken.
func (s *Study) Finish(ctx context.Context) error {
	return s.Update(ctx, &StudyRecord{State: pb.StudyState_STUDY_STATE_FINISHED}, "state")
}

// Delete deletes the study with all its trials; this cannot be undone. With an etag, the study must still have it; ""
// deletes it whatever has become of it. Errors: [ErrEtagMismatch].
func (s *Study) Delete(ctx context.Context, etag string) error {
	_, err := s.session.studies.DeleteStudy(ctx, &pb.DeleteStudyRequest{Name: s.Name(), Etag: etag})
	return err
}

// AskOption changes how [Study.Ask] and [Study.AskMany] ask.
type AskOption func(*askOptions)

type askOptions struct {
	giveUp  time.Time // zero = never
	request *pb.AskRequest
}

// WaitAtMost limits how long an ask waits for a trial to become available; 0 = not at all. The calls themselves may
// take longer.
func WaitAtMost(wait time.Duration) AskOption {
	return func(o *askOptions) { o.giveUp = time.Now().Add(wait) }
}

// Fixed asks for a configuration that has this value, for example one that fits a small GPU; several are given one by one. Context
// parameters are stated so.
func Fixed[T Value](parameter string, value T) AskOption {
	return func(o *askOptions) {
		if o.request.FixedParameters == nil {
			o.request.FixedParameters = make(map[string]*pb.ParameterValue)
		}
		o.request.FixedParameters[parameter] = ValueOf(value)
	}
}

// CostAware asks for improvement per expected cost, in a study with a CostMetric.
func CostAware(o *askOptions) { o.request.CostAware = true }

// AskWith sets any field of the request, for example who the worker is.
func AskWith(change func(*AskRequest)) AskOption {
	return func(o *askOptions) { change(o.request) }
}

// Ask returns a trial to run; its lease renews itself until the trial is told, released or closed, so an Ask goes with
// a deferred [Trial.Close]. When nothing can be handed out now, it waits for as long as the context lasts, or as
// [WaitAtMost] says.
//
// Errors: [ErrStudyComplete] (there is nothing more to do; [Study.Record] is read anew), [ErrStudyPaused], [ErrQueueEmpty]
// (manual search, nothing enqueued), [ErrNoTrialAvailable] (not now, and the wait would end before there could be one),
// [ErrFixedExhausted] (nothing is left with the values of [Fixed]).
func (s *Study) Ask(ctx context.Context, options ...AskOption) (*Trial, error) {
	trials, err := s.AskMany(ctx, 1, options...)
	if err != nil {
		return nil, err
	}
	return trials[0], nil
}

// AskMany is Ask for several trials; fewer, but at least one, come back when the study cannot give more now.
func (s *Study) AskMany(ctx context.Context, count int32, options ...AskOption) ([]*Trial, error) {
	chosen := askOptions{request: &pb.AskRequest{WorkerId: s.session.settings.workerID}}
	for _, option := range options {
		option(&chosen)
	}
	for {
		sentAt := time.Now()
		chosen.request.Study, chosen.request.Count, chosen.request.RequestId = s.Name(), count, ""
		answer, err := s.session.trials.Ask(ctx, chosen.request)
		if err == nil && len(answer.GetTrials()) > 0 {
			trials := make([]*Trial, len(answer.GetTrials()))
			for i, record := range answer.GetTrials() {
				own := newLease(s.session.beating, record, sentAt, s.session.drop)
				trials[i] = newTrial(s.session, record, own)
				s.session.hold(own)
			}
			return trials, nil
		}
		if err == nil {
			return nil, &Error{Message: "the server answered an ask without a trial", kind: ErrInternal}
		}
		if errors.Is(err, ErrStudyComplete) {
			_ = s.Refresh(ctx) // what is printed after the last trial is true
		}
		delay := jitter(cmp.Or(retryAfter(err), time.Second), 1.0, 1.2)
		later := errors.Is(err, ErrNoTrialAvailable) || errors.Is(err, ErrOverloaded)
		tooLate := !chosen.giveUp.IsZero() && time.Until(chosen.giveUp) < delay
		if !later || tooLate || !sleepWithin(ctx, delay) {
			return nil, becauseOf(ctx, err)
		}
	}
}

// Trial reads one trial with its measurements. Errors: [ErrTrialNotFound].
func (s *Study) Trial(ctx context.Context, number int) (*Trial, error) {
	wire, err := s.session.trials.GetTrial(ctx, &pb.GetTrialRequest{Name: fmt.Sprintf("%s/trials/%d", s.Name(), number)})
	if err != nil {
		return nil, err
	}
	return newTrial(s.session, wire, nil), nil
}

// Trials lists the trials by number, without measurements: all of them, or those that the filter takes.
func (s *Study) Trials(ctx context.Context, filter *TrialFilter) iter.Seq2[*Trial, error] {
	return pages(func(token string) ([]*pb.Trial, string, error) {
		answer, err := s.session.trials.ListTrials(ctx, &pb.ListTrialsRequest{
			Parent: s.Name(), PageSize: pageSize, PageToken: token, Filter: filter,
		})
		return answer.GetTrials(), answer.GetNextPageToken(), err
	}, func(record *pb.Trial) *Trial { return newTrial(s.session, record, nil) })
}

// Enqueue queues configurations; they are handed out before the algorithm's.
//
// Errors: [ErrValueOutsideSpace], [ErrStudyComplete].
func (s *Study) Enqueue(ctx context.Context, trials ...*QueuedTrial) ([]*Trial, error) {
	answer, err := s.session.trials.EnqueueTrials(ctx, &pb.EnqueueTrialsRequest{Study: s.Name(), Trials: trials})
	return newTrials(s.session, answer.GetTrials()), err
}

// Import brings in past results. It returns a trial for each of them, those that were there before as they stand, and
// how many are new.
func (s *Study) Import(ctx context.Context, trials ...*ImportedTrial) (imported []*Trial, added int, err error) {
	answer, err := s.session.trials.ImportTrials(ctx, &pb.ImportTrialsRequest{Study: s.Name(), Trials: trials})
	return newTrials(s.session, answer.GetTrials()), int(answer.GetImportedCount()), err
}

// BestTrial is the best trial so far. Errors: [ErrNoResults] while there is none, or none that keeps the outcome constraints;
// [ErrSeveralObjectives] where there is no single best one.
func (s *Study) BestTrial(ctx context.Context) (*Trial, error) {
	if len(s.Record().GetObjectives()) > 1 {
		return nil, ErrSeveralObjectives
	}
	answer, err := s.listBest(ctx, &pb.ListBestTrialsRequest{Count: 1})
	if err != nil {
		return nil, err
	}
	if len(answer.GetTrials()) == 0 || answer.GetInfeasible() {
		return nil, ErrNoResults
	}
	return newTrial(s.session, answer.GetTrials()[0], nil), nil
}

// BestTrials are the best trials, best first: at most so many, none while there is no result. With several objectives they are
// the whole Pareto front. Where no trial keeps the outcome constraints, they are those that miss them least: their records
// have a Violation above 0.
func (s *Study) BestTrials(ctx context.Context, count int32) ([]*Trial, error) {
	answer, err := s.listBest(ctx, &pb.ListBestTrialsRequest{Count: count})
	return newTrials(s.session, answer.GetTrials()), err
}

// ParetoFront are the feasible trials that no other one betters in all objectives, in the order of the first objective.
func (s *Study) ParetoFront(ctx context.Context) ([]*Trial, error) {
	answer, err := s.listBest(ctx, &pb.ListBestTrialsRequest{})
	if err != nil || answer.GetInfeasible() {
		return nil, err
	}
	return newTrials(s.session, answer.GetTrials()), nil
}

// Hypervolume is what the Pareto front dominates, up to the objectives' references. Errors: [ErrNoResults] while no trial is
// feasible, and with one objective.
func (s *Study) Hypervolume(ctx context.Context) (float64, error) {
	answer, err := s.listBest(ctx, &pb.ListBestTrialsRequest{})
	if err != nil {
		return 0, err
	}
	if answer.Hypervolume == nil {
		return 0, ErrNoResults
	}
	return answer.GetHypervolume(), nil
}

func (s *Study) listBest(ctx context.Context, request *pb.ListBestTrialsRequest) (*pb.ListBestTrialsResponse, error) {
	request.Parent = s.Name()
	answer, err := s.session.trials.ListBestTrials(ctx, request)
	if err != nil {
		return answer, err
	}
	var best *pb.Trial
	if len(answer.GetTrials()) > 0 && !answer.GetInfeasible() && len(s.Record().GetObjectives()) == 1 {
		best = answer.GetTrials()[0]
	}
	s.best.Store(best)
	return answer, nil
}

// BestByModel is the best trial when noise is taken off: where results differ from run to run, the one with the best
// value may have been lucky. The record says what the model expects there, in the objective's unit. Both are nil where
// results are not noisy, and while the server is too busy for a model.
func (s *Study) BestByModel(ctx context.Context) (*Trial, *pb.BestByModel, error) {
	answer, err := s.listBest(ctx, &pb.ListBestTrialsRequest{ByModel: true})
	if err != nil || answer.GetBestByModel() == nil {
		return nil, nil, err
	}
	best := answer.GetBestByModel()
	return newTrial(s.session, best.GetTrial(), nil), best, nil
}
