package main

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	asktell "github.com/asktell/asktell/clients/go"
	asktellv1 "github.com/asktell/asktell/clients/go/asktell/v1"
	pb "github.com/asktell/asktell/clients/go/internal/conformancepb"
)

// executor does what it is told on the public API of the client. It is as a program that tunes would be: it has no
// logic of its own, and its contexts never end.
type executor struct {
	clients map[string]*asktell.Client
	studies map[string]*asktell.Study
	trials  map[string]*asktell.Trial
	watches map[string]*watch
}

// watch is a loop over changes that is taken step by step.
type watch struct {
	next   func() (*asktell.Change, error, bool)
	stop   func()
	cursor string
}

func newExecutor() *executor {
	return &executor{
		clients: make(map[string]*asktell.Client),
		studies: make(map[string]*asktell.Study),
		trials:  make(map[string]*asktell.Trial),
		watches: make(map[string]*watch),
	}
}

func (e *executor) execute(action *pb.Action) (*pb.Result, error) {
	ctx := context.Background()
	switch kind := action.GetKind().(type) {
	case *pb.Action_Reset_:
		e.reset()
		return done(nil)
	case *pb.Action_CreateClient:
		return done(e.createClient(kind.CreateClient))
	case *pb.Action_CloseClient:
		return done(e.clients[kind.CloseClient.GetClient()].Close())
	case *pb.Action_CreateStudy:
		return e.createStudy(ctx, kind.CreateStudy)
	case *pb.Action_OpenStudy:
		study, err := e.clients[kind.OpenStudy.GetClient()].Study(ctx, kind.OpenStudy.GetStudyId())
		return e.keepStudy(kind.OpenStudy.GetStudy(), study, err)
	case *pb.Action_GetStudy:
		study := e.studies[kind.GetStudy.GetStudy()]
		return studyResult(study, study.Refresh(ctx))
	case *pb.Action_UpdateStudy:
		return e.updateStudy(ctx, kind.UpdateStudy)
	case *pb.Action_DeleteStudy:
		return done(e.studies[kind.DeleteStudy.GetStudy()].Delete(ctx, ""))
	case *pb.Action_Ask:
		return e.ask(ctx, kind.Ask)
	case *pb.Action_Report:
		metrics, errs := split(kind.Report.GetMetrics())
		trial := e.trials[kind.Report.GetTrial()]
		_, err := trial.Report(ctx, int(kind.Report.GetStep()), metrics, errs)
		return trialResult(trial, err)
	case *pb.Action_Tell:
		trial := e.trials[kind.Tell.GetTrial()]
		return trialResult(trial, tell(ctx, trial, kind.Tell))
	case *pb.Action_Release:
		return done(e.trials[kind.Release.GetTrial()].Release(ctx))
	case *pb.Action_Cancel:
		trial := e.trials[kind.Cancel.GetTrial()]
		return trialResult(trial, trial.Cancel(ctx, kind.Cancel.GetReason()))
	case *pb.Action_Amend:
		metrics, errs := split(kind.Amend.GetMetrics())
		trial := e.trials[kind.Amend.GetTrial()]
		return trialResult(trial, trial.Amend(ctx, kind.Amend.GetOutcome(), metrics, kind.Amend.GetReason(), errs))
	case *pb.Action_PeekTrial:
		return trialResult(e.trials[kind.PeekTrial.GetTrial()], nil)
	case *pb.Action_GetTrial:
		trial, err := e.studies[kind.GetTrial.GetStudy()].Trial(ctx, int(kind.GetTrial.GetNumber()))
		if err != nil {
			return nil, err
		}
		if kind.GetTrial.GetTrial() == "" {
			return trialResult(trial, nil)
		}
		return e.keepTrials([]string{kind.GetTrial.GetTrial()}, []*asktell.Trial{trial}, nil)
	case *pb.Action_ListTrials:
		return e.listTrials(ctx, kind.ListTrials)
	case *pb.Action_Best:
		return e.best(ctx, kind.Best)
	case *pb.Action_Enqueue:
		trials, err := e.studies[kind.Enqueue.GetStudy()].Enqueue(ctx, kind.Enqueue.GetTrials()...)
		return e.keepTrials(kind.Enqueue.GetHandles(), trials, err)
	case *pb.Action_ImportTrials:
		trials, _, err := e.studies[kind.ImportTrials.GetStudy()].Import(ctx, kind.ImportTrials.GetTrials()...)
		return trialResults(trials, err)
	case *pb.Action_StartWatch:
		return done(e.startWatch(ctx, kind.StartWatch))
	case *pb.Action_NextChanges:
		return e.nextChanges(kind.NextChanges)
	case *pb.Action_StopWatch:
		e.watches[kind.StopWatch.GetWatch()].stop()
		return done(nil)
	case *pb.Action_Suggest:
		suggestions, err := e.clients[kind.Suggest.GetClient()].Suggest(ctx, kind.Suggest.GetRequest())
		return suggestionsResult(suggestions, err)
	case *pb.Action_Analyse:
		return analyse(ctx, e.studies[kind.Analyse.GetStudy()], kind.Analyse)
	default:
		return nil, fmt.Errorf("no such action: %v", action)
	}
}

// reset closes what is open; errors of that are nobody's concern any more.
func (e *executor) reset() {
	for _, watch := range e.watches {
		watch.stop()
	}
	for _, client := range e.clients {
		_ = client.Close()
	}
	*e = *newExecutor()
}

func (e *executor) createClient(action *pb.CreateClient) error {
	var options []asktell.Option
	if addresses := action.GetAddresses(); len(addresses) > 0 {
		options = append(options, asktell.WithAddress(strings.Join(addresses, ",")))
	}
	if token := action.GetToken(); token != "" {
		options = append(options, asktell.WithToken(token))
	}
	if file := action.GetTlsCaFile(); file != "" {
		options = append(options, asktell.WithCACertificates(file))
	}
	if timeout := time.Duration(action.GetTimeoutMs()) * time.Millisecond; timeout != 0 {
		options = append(options, asktell.WithTimeout(timeout), asktell.WithAskTimeout(timeout))
	}
	if id := action.GetWorkerId(); id != "" {
		options = append(options, asktell.WithWorkerID(id))
	}
	client, err := asktell.NewClient(options...)
	if err != nil {
		return refused{err}
	}
	e.clients[action.GetClient()] = client
	return nil
}

func (e *executor) createStudy(ctx context.Context, action *pb.CreateStudy) (*pb.Result, error) {
	var options []asktell.CreateOption
	if action.GetExistOk() {
		options = append(options, asktell.ExistOK())
	}
	client := e.clients[action.GetClient()]
	if file, ok := action.GetSource().(*pb.CreateStudy_StudyFile); ok {
		study, err := client.CreateStudyFromText(ctx, file.StudyFile, options...)
		return e.keepStudy(action.GetStudy(), study, err)
	}
	study, err := client.CreateStudy(ctx, action.GetStudyId(), action.GetSpec(), options...)
	return e.keepStudy(action.GetStudy(), study, err)
}

func (e *executor) keepStudy(name string, study *asktell.Study, err error) (*pb.Result, error) {
	if err == nil {
		e.studies[name] = study
	}
	return studyResult(study, err)
}

func (e *executor) updateStudy(ctx context.Context, action *pb.UpdateStudy) (*pb.Result, error) {
	study := e.studies[action.GetStudy()]
	if change, ok := action.GetChange().(*pb.UpdateStudy_MaxTrials); ok {
		changes := &asktell.StudyRecord{StoppingRules: &asktell.StoppingRules{MaxTrials: &change.MaxTrials}}
		if action.GetUseEtag() {
			changes.Etag = study.Record().GetEtag()
		}
		return studyResult(study, study.Update(ctx, changes, "stopping_rules.max_trials"))
	}
	switch action.GetState() {
	case asktellv1.StudyState_STUDY_STATE_ACTIVE:
		return studyResult(study, study.Resume(ctx))
	case asktellv1.StudyState_STUDY_STATE_PAUSED:
		return studyResult(study, study.Pause(ctx))
	default:
		return studyResult(study, study.Finish(ctx))
	}
}

func (e *executor) ask(ctx context.Context, action *pb.Ask) (*pb.Result, error) {
	var options []asktell.AskOption
	if action.WaitMs != nil {
		options = append(options, asktell.WaitAtMost(time.Duration(action.GetWaitMs())*time.Millisecond))
	}
	if id := action.GetWorkerId(); id != "" {
		options = append(options, asktell.AskWith(func(request *asktell.AskRequest) { request.WorkerId = id }))
	}
	if fixed := action.GetFixedParameters(); len(fixed) > 0 {
		options = append(options, asktell.AskWith(func(request *asktell.AskRequest) { request.FixedParameters = fixed }))
	}
	if action.GetCostAware() {
		options = append(options, asktell.CostAware)
	}
	study := e.studies[action.GetStudy()]
	if action.Count != nil {
		trials, err := study.AskMany(ctx, action.GetCount(), options...)
		return e.keepTrials(action.GetTrials(), trials, err)
	}
	trial, err := study.Ask(ctx, options...)
	return e.keepTrials(action.GetTrials(), []*asktell.Trial{trial}, err)
}

func (e *executor) keepTrials(names []string, trials []*asktell.Trial, err error) (*pb.Result, error) {
	if err != nil {
		return nil, err
	}
	for i, trial := range trials {
		name := fmt.Sprintf("\x00%s", trial.Name()) // one without a handle goes on heartbeating too
		if i < len(names) {
			name = names[i]
		}
		e.trials[name] = trial
	}
	return trialResults(trials, nil)
}

func tell(ctx context.Context, trial *asktell.Trial, action *pb.Tell) error {
	metrics, errs := split(action.GetMetrics())
	switch action.GetOutcome() {
	case asktellv1.TellOutcome_TELL_OUTCOME_STOPPED:
		return trial.Stop(ctx, metrics, action.GetReason(), errs)
	case asktellv1.TellOutcome_TELL_OUTCOME_FAILED:
		return trial.Fail(ctx, action.GetReason(), metrics)
	case asktellv1.TellOutcome_TELL_OUTCOME_INFEASIBLE:
		return trial.Infeasible(ctx, action.GetReason(), metrics)
	default:
		return trial.Tell(ctx, metrics, errs)
	}
}

func (e *executor) listTrials(ctx context.Context, action *pb.ListTrials) (*pb.Result, error) {
	var trials []*asktell.Trial
	for trial, err := range e.studies[action.GetStudy()].Trials(ctx, action.GetFilter()) {
		if err != nil {
			return nil, err
		}
		trials = append(trials, trial)
	}
	return trialResults(trials, nil)
}

func (e *executor) best(ctx context.Context, action *pb.Best) (*pb.Result, error) {
	study := e.studies[action.GetStudy()]
	if action.GetCount() > 0 {
		return trialResults(study.BestTrials(ctx, action.GetCount()))
	}
	trial, err := study.BestTrial(ctx)
	if err == asktell.ErrNoResults {
		return trialResults(nil, nil)
	}
	return trialResult(trial, err)
}

func analyse(ctx context.Context, study *asktell.Study, action *pb.Analyse) (*pb.Result, error) {
	switch question := action.GetQuestion().(type) {
	case *pb.Analyse_Importances:
		answer, err := study.Importances(ctx, question.Importances.GetMetric())
		return analysisResult(len(answer.GetImportances()), err)
	case *pb.Analyse_Predict:
		var configurations []asktell.Params
		for _, each := range question.Predict.GetConfigurations() {
			configurations = append(configurations, each.GetParameters())
		}
		answer, err := study.Predict(ctx, configurations...)
		return analysisResult(len(answer.GetPredictions()), err)
	case *pb.Analyse_Slice:
		answer, err := study.Slice(ctx, question.Slice)
		return analysisResult(len(answer.GetPoints()), err)
	case *pb.Analyse_CrossValidate:
		answer, err := study.CrossValidate(ctx, question.CrossValidate.GetMetric())
		return analysisResult(len(answer.GetResults()), err)
	case *pb.Analyse_TradeOffs:
		answer, err := study.TradeOffs(ctx)
		return analysisResult(len(answer.GetTradeOffs()), err)
	case *pb.Analyse_Health:
		answer, err := study.Health(ctx)
		return analysisResult(len(answer.GetFindings()), err)
	default:
		return nil, fmt.Errorf("no such question: %v", action)
	}
}

func (e *executor) startWatch(ctx context.Context, action *pb.StartWatch) error {
	study, cursor := e.studies[action.GetStudy()], ""
	switch start := action.GetStart().(type) {
	case *pb.StartWatch_FromStudyCursor:
		cursor = study.Record().GetCursor()
	case *pb.StartWatch_AfterWatch:
		cursor = e.watches[start.AfterWatch].cursor
	}
	next, stop := iter.Pull2(study.Watch(ctx, cursor))
	e.watches[action.GetWatch()] = &watch{next: next, stop: stop, cursor: cursor}
	return nil
}

func (e *executor) nextChanges(action *pb.NextChanges) (*pb.Result, error) {
	watch := e.watches[action.GetWatch()]
	var changes []*asktell.Change
	for range action.GetCount() {
		change, err, ok := watch.next()
		if !ok {
			return nil, fmt.Errorf("watch %s has ended", action.GetWatch())
		}
		if err != nil {
			return nil, err
		}
		watch.cursor = change.GetCursor()
		changes = append(changes, change)
	}
	return changesResult(changes)
}
