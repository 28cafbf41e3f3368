package asktell_test

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	asktell "github.com/asktell/asktell/clients/go"
	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

const shortLease = 600 * time.Millisecond // the shortest interval between beats is a third of it

func TestAnOpenTrialHeartbeats(t *testing.T) {
	beats := make(chan *pb.ReportRequest, 10)
	s := start(t, &server{lease: shortLease, report: func(_ int, request *pb.ReportRequest) (*pb.ReportResponse, error) {
		beats <- request
		return &pb.ReportResponse{LeaseValid: true}, nil
	}})
	trial, err := open(t, s).Ask(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if beat := <-beats; beat.GetLeaseId() != "l1" || len(beat.GetMetrics()) != 0 || beat.GetRequestId() != "" {
			t.Errorf("the heartbeat is %v", beat)
		}
	}
	if err := trial.Tell(t.Context(), asktell.Metrics{"loss": 1}); err != nil {
		t.Fatal(err)
	}
	told := len(s.seen("Report"))
	<-time.After(shortLease)
	if more := len(s.seen("Report")) - told; more > 1 { // one may have been on its way
		t.Errorf("%d heartbeats after the trial was told", more)
	}
	if trial.IsOpen() || trial.LeaseLost() {
		t.Errorf("open %v, lost %v after it was told", trial.IsOpen(), trial.LeaseLost())
	}
}

func TestAReportPutsTheHeartbeatOff(t *testing.T) {
	s := start(t, &server{lease: 10 * shortLease})
	trial, err := open(t, s).Ask(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for step := range 8 { // for longer than an interval, each much sooner than one
		<-time.After(shortLease / 2)
		progress, err := trial.Report(t.Context(), step, asktell.Metrics{"loss": 1})
		if err != nil || !progress.LeaseValid {
			t.Fatal(progress, err)
		}
	}
	for _, each := range s.seen("Report") {
		if each.requestID == "" {
			t.Error("a heartbeat went out beside the reports")
		}
	}
}

func TestAHeartbeatBringsTheWishToStop(t *testing.T) {
	s := start(t, &server{lease: shortLease, report: func(int, *pb.ReportRequest) (*pb.ReportResponse, error) {
		return &pb.ReportResponse{LeaseValid: true, ShouldStop: true, StopReason: "no hope"}, nil
	}})
	trial, err := open(t, s).Ask(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	<-trial.Stopping()
	if !trial.ShouldStop() || trial.StopReason() != "no hope" || trial.LeaseLost() {
		t.Errorf("stop %v because %q, lost %v", trial.ShouldStop(), trial.StopReason(), trial.LeaseLost())
	}
}

func TestALostLeaseIsNotGivenBack(t *testing.T) {
	answers := map[string]func(int, *pb.ReportRequest) (*pb.ReportResponse, error){
		"lease lost": func(int, *pb.ReportRequest) (*pb.ReportResponse, error) {
			return &pb.ReportResponse{ShouldStop: true}, nil
		},
		"trial deleted": func(int, *pb.ReportRequest) (*pb.ReportResponse, error) {
			return nil, refusal(codes.NotFound, "TRIAL_NOT_FOUND", nil, 0)
		},
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			s := start(t, &server{lease: shortLease, report: answer})
			trial, err := open(t, s).Ask(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			<-trial.Stopping()
			for deadline := time.Now().Add(30 * time.Second); !trial.LeaseLost() && time.Now().Before(deadline); {
				runtime.Gosched()
			}
			if !trial.LeaseLost() {
				t.Error("the lease is not lost")
			}
			if err := trial.Close(); err != nil || len(s.seen("ReleaseTrial")) != 0 {
				t.Errorf("%v, %d releases, want none", err, len(s.seen("ReleaseTrial")))
			}
		})
	}
}

func TestAFailingHeartbeatIsTriedAgain(t *testing.T) {
	renewed := make(chan struct{})
	s := start(t, &server{lease: shortLease, report: func(n int, _ *pb.ReportRequest) (*pb.ReportResponse, error) {
		if n == 1 {
			return nil, refusal(codes.ResourceExhausted, "OVERLOADED", nil, 0)
		}
		if n == 2 {
			close(renewed)
		}
		return &pb.ReportResponse{LeaseValid: true}, nil
	}})
	if _, err := open(t, s).Ask(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-renewed
}

func TestCloseGivesATrialBackOnce(t *testing.T) {
	s := start(t, &server{lease: time.Minute})
	trial, err := open(t, s).Ask(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := trial.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if releases := len(s.seen("ReleaseTrial")); releases != 1 {
		t.Errorf("%d releases, want 1", releases)
	}
}

func TestAClosingClientGivesBackWhatIsOpenAndLeased(t *testing.T) {
	s := start(t, &server{ask: func(n int, _ *pb.AskRequest) (*pb.AskResponse, error) {
		trial := (&server{lease: time.Minute}).trial(int64(n))
		if n == 4 {
			trial.LeaseExpireTime = nil
		}
		return &pb.AskResponse{Trials: []*pb.Trial{trial}}, nil
	}})
	client := connect(t, s)
	study, err := client.Study(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	trials := make([]*asktell.Trial, 4) // the last one has an endless lease
	for i := range trials {
		if trials[i], err = study.Ask(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := trials[0].Tell(t.Context(), asktell.Metrics{"loss": 1}); err != nil {
		t.Fatal(err)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if releases := len(s.seen("ReleaseTrial")); releases != 2 {
		t.Errorf("%d releases, want those of two trials", releases)
	}
	runtime.KeepAlive(trials)
}

func TestADroppedTrialStopsHeartbeating(t *testing.T) {
	s := start(t, &server{lease: shortLease})
	study := open(t, s)
	if _, err := study.Ask(t.Context()); err != nil { // nobody holds it
		t.Fatal(err)
	}
	quiet := func() bool {
		runtime.GC()
		before := len(s.seen("Report"))
		<-time.After(shortLease)
		return len(s.seen("Report")) == before
	}
	for deadline := time.Now().Add(30 * time.Second); !quiet(); {
		if time.Now().After(deadline) {
			t.Fatal("it heartbeats still")
		}
	}
}

func TestNoGoroutineOutlivesItsClient(t *testing.T) {
	s := start(t, &server{lease: time.Minute, watch: func(_ int, _ *pb.WatchStudyRequest, send func(*pb.WatchStudyResponse)) error {
		send(&pb.WatchStudyResponse{Cursor: "1"})
		return nil
	}})
	before := runtime.NumGoroutine()
	for range 5 {
		client, err := asktell.NewClient(asktell.WithAddress(s.address))
		if err != nil {
			t.Fatal(err)
		}
		study, err := client.Study(t.Context(), "s")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := study.AskMany(t.Context(), 3); err != nil {
			t.Fatal(err)
		}
		for _, err := range study.Watch(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
		if err := client.Close(); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.Now().Add(30 * time.Second)
	for runtime.NumGoroutine() > before { // the server's own take a moment to end
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
		<-time.After(10 * time.Millisecond)
	}
}

func TestAskWaitsAsLongAsItMay(t *testing.T) {
	answer := func(n int, _ *pb.AskRequest) (*pb.AskResponse, error) {
		if n < 3 {
			return nil, refusal(codes.ResourceExhausted, "NO_TRIAL_AVAILABLE", nil, 50*time.Millisecond)
		}
		return &pb.AskResponse{Trials: []*pb.Trial{{Name: studyName + "/trials/1", Number: 1}}}, nil
	}
	s := start(t, &server{ask: answer})
	trial, err := open(t, s).Ask(t.Context())
	if err != nil || trial.Number() != 1 {
		t.Fatal(trial, err)
	}
	calls := s.seen("Ask")
	if len(calls) != 3 || calls[0].requestID == calls[1].requestID {
		t.Errorf("%d calls, want 3 with an id each: an answer that there is nothing is an answer", len(calls))
	}
	s = start(t, &server{ask: answer})
	_, err = open(t, s).Ask(t.Context(), asktell.WaitAtMost(0))
	if failure, ok := errors.AsType[*asktell.Error](err); !ok || !errors.Is(err, asktell.ErrNoTrialAvailable) ||
		failure.RetryAfter != 50*time.Millisecond {
		t.Errorf("got %v, want that there is no trial, and for how long", err)
	}
}
