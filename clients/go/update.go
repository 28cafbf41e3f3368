package asktell

import (
	"context"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

// Pause makes the study hand out no trials until it is resumed; results are still taken.
func (s *Study) Pause(ctx context.Context) error {
	return s.setState(ctx, pb.StudyState_STUDY_STATE_PAUSED)
}

// Resume makes the study hand out trials again.
func (s *Study) Resume(ctx context.Context) error {
	return s.setState(ctx, pb.StudyState_STUDY_STATE_ACTIVE)
}

// Finish makes the study hand out no more trials; results of running ones are still taken.
func (s *Study) Finish(ctx context.Context) error {
	return s.setState(ctx, pb.StudyState_STUDY_STATE_FINISHED)
}

func (s *Study) setState(ctx context.Context, state pb.StudyState) error {
	return s.take(s.session.studies.UpdateStudy(ctx, &pb.UpdateStudyRequest{
		Study:      &pb.Study{Name: s.Name(), State: state},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"state"}},
		RequestId:  newRequestID(),
	}))
}

// UpdateOption is one change that [Study.Update] makes, or its condition [IfEtag].
type UpdateOption interface {
	update(changes *studyChanges)
}

// DeleteOption is the condition [IfEtag] of [Study.Delete].
type DeleteOption interface {
	restrict(request *pb.DeleteStudyRequest)
}

// IfEtag makes an update or a deletion fail with [ErrEtagMismatch] unless the study still has this etag.
type IfEtag string

func (e IfEtag) update(changes *studyChanges) { changes.study.Etag = string(e) }

func (e IfEtag) restrict(request *pb.DeleteStudyRequest) { request.Etag = string(e) }

type change func(*studyChanges)

func (c change) update(changes *studyChanges) { c(changes) }

type studyChanges struct {
	encoder
	study *pb.Study
	paths []string
}

func (c *studyChanges) path(path string) { c.paths = append(c.paths, path) }

// SetMaxTrials changes the budget.
func SetMaxTrials(trials int) UpdateOption {
	return change(func(c *studyChanges) {
		c.path("stopping_rules.max_trials")
		c.study.StoppingRules.MaxTrials = c.rule(&trials, "study.stopping_rules.max_trials")
	})
}

// ClearMaxTrials takes the budget away.
func ClearMaxTrials() UpdateOption { return clearRule("max_trials") }

// SetTarget changes the value at which the study ends.
func SetTarget(value float64) UpdateOption {
	return change(func(c *studyChanges) {
		c.path("stopping_rules.target_value")
		c.study.StoppingRules.TargetValue = &value
	})
}

// ClearTarget takes the target away.
func ClearTarget() UpdateOption { return clearRule("target_value") }

// SetPatience changes how many trials in a row may fail to better the best one.
func SetPatience(trials int) UpdateOption {
	return change(func(c *studyChanges) {
		c.path("stopping_rules.patience_trials")
		c.study.StoppingRules.PatienceTrials = c.rule(&trials, "study.stopping_rules.patience_trials")
	})
}

// ClearPatience takes that rule away.
func ClearPatience() UpdateOption { return clearRule("patience_trials") }

// SetDeadline changes the time at which the study ends.
func SetDeadline(deadline time.Time) UpdateOption {
	return change(func(c *studyChanges) {
		c.path("stopping_rules.deadline")
		c.study.StoppingRules.Deadline = encodeTime(deadline)
	})
}

// ClearDeadline takes the deadline away.
func ClearDeadline() UpdateOption { return clearRule("deadline") }

func clearRule(rule string) UpdateOption {
	return change(func(c *studyChanges) { c.path("stopping_rules." + rule) })
}

// SetMaxRunning changes how many trials run at once; 0 takes the limit away.
func SetMaxRunning(trials int) UpdateOption {
	return change(func(c *studyChanges) {
		c.path("max_running_trials")
		c.study.MaxRunningTrials = c.int32(trials, "study.max_running_trials")
	})
}

// SetMaxStaleness changes how many trials may end between the making of a suggestion and its start.
func SetMaxStaleness(trials int) UpdateOption {
	return change(func(c *studyChanges) {
		c.path("max_staleness")
		c.study.MaxStaleness = c.rule(&trials, "study.max_staleness")
	})
}

// ClearMaxStaleness leaves it to the server again: see [StudySpec].
func ClearMaxStaleness() UpdateOption {
	return change(func(c *studyChanges) { c.path("max_staleness") })
}

// SetDisplayName changes the title.
func SetDisplayName(name string) UpdateOption {
	return change(func(c *studyChanges) {
		c.path("display_name")
		c.study.DisplayName = name
	})
}

// SetLabels replaces all labels.
func SetLabels(labels map[string]string) UpdateOption {
	return change(func(c *studyChanges) {
		c.path("labels")
		c.study.Labels = labels
	})
}

// SetAnnotations replaces all annotations.
func SetAnnotations(annotations map[string]string) UpdateOption {
	return change(func(c *studyChanges) {
		c.path("annotations")
		c.study.Annotations = annotations
	})
}

// Update changes rules, limits, labels and annotations. Errors: [ErrInvalidArgument], [ErrEtagMismatch].
func (s *Study) Update(ctx context.Context, options ...UpdateOption) error {
	all := studyChanges{study: &pb.Study{Name: s.Name(), StoppingRules: &pb.StoppingRules{}}}
	for _, option := range options {
		option.update(&all)
	}
	if all.err != nil {
		return all.err
	}
	return s.take(s.session.studies.UpdateStudy(ctx, &pb.UpdateStudyRequest{
		Study:      all.study,
		UpdateMask: &fieldmaskpb.FieldMask{Paths: slices.Compact(all.paths)},
		RequestId:  newRequestID(),
	}))
}

// Delete deletes the study with all its trials; this cannot be undone.
func (s *Study) Delete(ctx context.Context, options ...DeleteOption) error {
	request := &pb.DeleteStudyRequest{Name: s.Name(), RequestId: newRequestID()}
	for _, option := range options {
		option.restrict(request)
	}
	_, err := s.session.studies.DeleteStudy(ctx, request)
	return err
}
