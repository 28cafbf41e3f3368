package asktell

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

// showClient is "localhost:50051 project default": nothing that is secret.
func showClient(s *settings) string { return strings.Join(s.addresses, ",") + " project " + s.project }

// showStudy is "projects/…/studies/lora ACTIVE, 12 trials ended, 2 running, budget 50, best: trial 7 with val_loss=0.31".
func showStudy(study *pb.Study, best *pb.Trial) string {
	text := study.GetName() + " " + strings.TrimPrefix(study.GetState().String(), "STUDY_STATE_")
	if reason := study.GetFinishReason(); reason != pb.FinishReason_FINISH_REASON_UNSPECIFIED {
		text += " (" + strings.TrimPrefix(reason.String(), "FINISH_REASON_") + ")"
	}
	counts := study.GetTrialCounts()
	ended := counts.GetSucceeded() + counts.GetStopped() + counts.GetFailed() + counts.GetInfeasible() +
		counts.GetCancelled() + counts.GetAbandoned()
	// Not "12 of 50": imported and cancelled trials have ended, and use nothing of the budget up.
	trials := "trials"
	if ended == 1 {
		trials = "trial"
	}
	text += fmt.Sprintf(", %d %s ended", ended, trials)
	for _, part := range []struct {
		count int32
		state string
	}{{counts.GetFailed(), "failed"}, {counts.GetRunning(), "running"}, {counts.GetQueued(), "queued"}} {
		if part.count > 0 {
			text += fmt.Sprintf(", %d %s", part.count, part.state)
		}
	}
	if rules := study.GetStoppingRules(); rules != nil && rules.MaxTrials != nil {
		text += fmt.Sprintf(", budget %d", rules.GetMaxTrials())
	}
	if best != nil {
		var values []string
		for _, objective := range study.GetObjectives() {
			values = append(values, fmt.Sprintf("%s=%v", objective.GetMetric(), best.GetMetrics()[objective.GetMetric()].GetValue()))
		}
		text += fmt.Sprintf(", best: trial %d with %s", best.GetNumber(), strings.Join(values, " "))
	}
	return text
}

// showTrial is "projects/…/trials/7 SUCCEEDED lr=0.0001 rank=8, val_loss=0.31", with the last line of why it failed.
func showTrial(trial *pb.Trial) string {
	text := trial.GetName() + " " + strings.TrimPrefix(trial.GetState().String(), "TRIAL_STATE_")
	text += " " + ParamsOf(trial).String()
	var values []string
	for _, metric := range slices.Sorted(maps.Keys(trial.GetMetrics())) {
		values = append(values, fmt.Sprintf("%s=%v", metric, trial.GetMetrics()[metric].GetValue()))
	}
	if len(values) > 0 {
		text += ", " + strings.Join(values, " ")
	}
	if why := strings.TrimSpace(trial.GetReason()); why != "" {
		text += ": " + why[strings.LastIndex(why, "\n")+1:]
	}
	return text
}
