package asktell

import (
	"strconv"
	"strings"
	"time"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

// TrialInfo is a trial as a server told it. Its maps and slices are shared: do not change them.
type TrialInfo struct {
	// Name is "projects/{project}/studies/{study}/trials/{number}"; numbers count from 1.
	Name   string
	Number int
	State  TrialState
	// Params are a value for each parameter.
	Params Params
	Origin Origin
	// Metrics are the final ones, or the last known ones of a STOPPED trial.
	Metrics Metrics
	// StandardErrors are those of metrics that were told with one.
	StandardErrors StandardErrors
	// Reason says why it is FAILED, INFEASIBLE, CANCELLED, STOPPED or ABANDONED.
	Reason string
	// Attempt counts how many times it has been started.
	Attempt int
	// WorkerID is who runs or ran it.
	WorkerID string
	// CreateTime, StartTime (of the current attempt) and FinishTime; zero = not yet.
	CreateTime, StartTime, FinishTime time.Time
	Labels, Annotations               map[string]string
	// Prediction is what the model believed when it suggested the configuration; nil for other origins.
	Prediction *Prediction
	// Amendments are earlier results that corrections replaced, oldest first.
	Amendments []Amendment
	// SupersededResults are late results of other attempts: kept, never used.
	SupersededResults []SupersededResult
	// ImportKey is the caller's key of an imported trial.
	ImportKey string
	// MeasurementCount counts the intermediate measurements that have been reported.
	MeasurementCount int
	// Measurements are there after [Study.Trial] and [Trial.Refresh].
	Measurements []Measurement
}

// Measurement is metrics of a running trial at one step.
type Measurement struct {
	Step           int
	Metrics        Metrics
	StandardErrors StandardErrors
	ReportTime     time.Time
}

// Prediction is what the model believed about a configuration before it was run, in the objective's unit.
type Prediction struct {
	Mean, StandardDeviation, AcquisitionValue float64
}

// Amendment is a result that a correction replaced. Reason is the correction's, PreviousReason the replaced result's.
type Amendment struct {
	AmendTime       time.Time
	PreviousState   TrialState
	PreviousMetrics Metrics
	PreviousReason  string
	Reason          string
}

// SupersededResult is a result that came after another attempt's had been taken.
type SupersededResult struct {
	TellTime time.Time
	State    TrialState
	Metrics  Metrics
	Reason   string
}

func decodeTrial(wire *pb.Trial) *TrialInfo {
	info := &TrialInfo{
		Name: wire.GetName(), Number: int(wire.GetNumber()), State: decodeState(wire.GetState()),
		Params: decodeParams(wire.GetParameters()), Origin: decodeEnum[Origin](wire.GetOrigin(), "ORIGIN_"),
		Reason: wire.GetReason(), Attempt: int(wire.GetAttempt()), WorkerID: wire.GetWorkerId(),
		CreateTime: decodeTime(wire.GetCreateTime()), StartTime: decodeTime(wire.GetStartTime()),
		FinishTime: decodeTime(wire.GetFinishTime()), Labels: wire.GetLabels(), Annotations: wire.GetAnnotations(),
		Prediction: decodePrediction(wire.GetPrediction()), ImportKey: wire.GetImportKey(),
		MeasurementCount: int(wire.GetMeasurementCount()),
	}
	info.Metrics, info.StandardErrors = decodeMetrics(wire.GetMetrics())
	for _, amendment := range wire.GetAmendments() {
		metrics, _ := decodeMetrics(amendment.GetPreviousMetrics())
		info.Amendments = append(info.Amendments, Amendment{
			AmendTime: decodeTime(amendment.GetAmendTime()), PreviousState: decodeState(amendment.GetPreviousState()),
			PreviousMetrics: metrics, PreviousReason: amendment.GetPreviousReason(), Reason: amendment.GetReason(),
		})
	}
	for _, result := range wire.GetSupersededResults() {
		metrics, _ := decodeMetrics(result.GetMetrics())
		info.SupersededResults = append(info.SupersededResults, SupersededResult{
			TellTime: decodeTime(result.GetTellTime()), State: decodeState(result.GetState()), Metrics: metrics,
			Reason: result.GetReason(),
		})
	}
	for _, measurement := range wire.GetMeasurements() {
		info.Measurements = append(info.Measurements, decodeMeasurement(measurement))
	}
	return info
}

func decodeState(wire pb.TrialState) TrialState { return decodeEnum[TrialState](wire, "TRIAL_STATE_") }

func decodeMeasurement(wire *pb.Measurement) Measurement {
	measurement := Measurement{Step: int(wire.GetStep()), ReportTime: decodeTime(wire.GetReportTime())}
	measurement.Metrics, measurement.StandardErrors = decodeMetrics(wire.GetMetrics())
	return measurement
}

func decodePrediction(wire *pb.Prediction) *Prediction {
	if wire == nil {
		return nil
	}
	return &Prediction{
		Mean: wire.GetMean(), StandardDeviation: wire.GetStandardDeviation(), AcquisitionValue: wire.GetAcquisitionValue(),
	}
}

// trialNumber is the number at the end of a trial's name; 0 when there is none.
func trialNumber(name string) int {
	number, err := strconv.Atoi(name[strings.LastIndex(name, "/")+1:])
	if err != nil {
		return 0
	}
	return number
}
