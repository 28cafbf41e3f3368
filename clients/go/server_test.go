package asktell_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	asktell "github.com/asktell/asktell/clients/go"
	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

const studyName = "projects/default/studies/s"

// server speaks the real protocol over a real connection and answers as a test says; it is for what a healthy server
// cannot be made to do. What a real one does is tested by the conformance corpus.
type server struct {
	pb.UnimplementedStudyServiceServer
	pb.UnimplementedTrialServiceServer

	address string
	grpc    *grpc.Server

	mu    sync.Mutex
	calls []call

	// What to answer; n counts the calls of the method from 1.
	ask         func(n int, request *pb.AskRequest) (*pb.AskResponse, error)
	tell        func(n int, request *pb.TellRequest) (*pb.TellResponse, error)
	report      func(n int, request *pb.ReportRequest) (*pb.ReportResponse, error)
	listTrials  func(n int, request *pb.ListTrialsRequest) (*pb.ListTrialsResponse, error)
	createStudy func(n int, request *pb.CreateStudyRequest) (*pb.Study, error)
	updateStudy func(n int, request *pb.UpdateStudyRequest) (*pb.Study, error)
	listBest    func(n int, request *pb.ListBestTrialsRequest) (*pb.ListBestTrialsResponse, error)
	getStudy    func(n int, request *pb.GetStudyRequest) (*pb.Study, error)
	watch       func(n int, request *pb.WatchStudyRequest, send func(*pb.WatchStudyResponse)) error
	lease       time.Duration
}

type call struct {
	method    string
	requestID string
	at        time.Time
	headers   metadata.MD
}

// start makes a server listen, until the test ends.
func start(t *testing.T, s *server, options ...grpc.ServerOption) *server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = listener.Addr().String()
	s.serve(t, listener, options...)
	return s
}

func (s *server) serve(t *testing.T, listener net.Listener, options ...grpc.ServerOption) {
	t.Helper()
	serving := grpc.NewServer(options...)
	pb.RegisterStudyServiceServer(serving, s)
	pb.RegisterTrialServiceServer(serving, s)
	go func() { _ = serving.Serve(listener) }()
	t.Cleanup(serving.Stop)
	s.grpc = serving
}

// restart ends a server as a kill would, and starts it again where it was.
func (s *server) restart(t *testing.T, meanwhile func()) {
	t.Helper()
	s.grpc.Stop()
	meanwhile()
	listener, err := net.Listen("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	s.serve(t, listener)
}

func (s *server) note(ctx context.Context, method, requestID string) int {
	headers, _ := metadata.FromIncomingContext(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, call{method: method, requestID: requestID, at: time.Now(), headers: headers})
	n := 0
	for _, each := range s.calls {
		if each.method == method {
			n++
		}
	}
	return n
}

func (s *server) seen(method string) []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var seen []call
	for _, each := range s.calls {
		if each.method == method {
			seen = append(seen, each)
		}
	}
	return seen
}

func (s *server) Ask(ctx context.Context, request *pb.AskRequest) (*pb.AskResponse, error) {
	n := s.note(ctx, "Ask", request.GetRequestId())
	if s.ask != nil {
		return s.ask(n, request)
	}
	return &pb.AskResponse{Trials: []*pb.Trial{s.trial(int64(n))}}, nil
}

func (s *server) Tell(ctx context.Context, request *pb.TellRequest) (*pb.TellResponse, error) {
	n := s.note(ctx, "Tell", request.GetRequestId())
	if s.tell != nil {
		return s.tell(n, request)
	}
	return &pb.TellResponse{Trial: &pb.Trial{Name: request.GetName(), Metrics: request.GetMetrics()}}, nil
}

func (s *server) Report(ctx context.Context, request *pb.ReportRequest) (*pb.ReportResponse, error) {
	n := s.note(ctx, "Report", request.GetRequestId())
	if s.report != nil {
		return s.report(n, request)
	}
	return &pb.ReportResponse{LeaseValid: true}, nil
}

func (s *server) ReleaseTrial(ctx context.Context, request *pb.ReleaseTrialRequest) (*pb.Trial, error) {
	s.note(ctx, "ReleaseTrial", request.GetRequestId())
	return &pb.Trial{Name: request.GetName(), State: pb.TrialState_TRIAL_STATE_QUEUED}, nil
}

func (s *server) ListTrials(ctx context.Context, request *pb.ListTrialsRequest) (*pb.ListTrialsResponse, error) {
	return s.listTrials(s.note(ctx, "ListTrials", ""), request)
}

func (s *server) ListBestTrials(ctx context.Context, request *pb.ListBestTrialsRequest) (*pb.ListBestTrialsResponse, error) {
	return s.listBest(s.note(ctx, "ListBestTrials", ""), request)
}

func (s *server) UpdateStudy(ctx context.Context, request *pb.UpdateStudyRequest) (*pb.Study, error) {
	return s.updateStudy(s.note(ctx, "UpdateStudy", request.GetRequestId()), request)
}

func (s *server) CreateStudy(ctx context.Context, request *pb.CreateStudyRequest) (*pb.Study, error) {
	return s.createStudy(s.note(ctx, "CreateStudy", request.GetRequestId()), request)
}

func (s *server) GetStudy(ctx context.Context, request *pb.GetStudyRequest) (*pb.Study, error) {
	n := s.note(ctx, "GetStudy", "")
	if s.getStudy != nil {
		return s.getStudy(n, request)
	}
	return &pb.Study{Name: request.GetName(), State: pb.StudyState_STUDY_STATE_ACTIVE}, nil
}

func (s *server) DeleteStudy(ctx context.Context, request *pb.DeleteStudyRequest) (*emptypb.Empty, error) {
	s.note(ctx, "DeleteStudy", request.GetRequestId())
	return &emptypb.Empty{}, nil
}

func (s *server) WatchStudy(request *pb.WatchStudyRequest, stream grpc.ServerStreamingServer[pb.WatchStudyResponse]) error {
	n := s.note(stream.Context(), "WatchStudy", request.GetCursor())
	if err := s.watch(n, request, func(change *pb.WatchStudyResponse) { _ = stream.Send(change) }); err != nil {
		return err
	}
	<-stream.Context().Done()
	return stream.Context().Err()
}

func (s *server) trial(number int64) *pb.Trial {
	trial := &pb.Trial{
		Name: studyName + "/trials/1", Number: number, State: pb.TrialState_TRIAL_STATE_RUNNING, LeaseId: "l1",
		StartTime: timestamppb.Now(),
	}
	if s.lease > 0 {
		trial.LeaseExpireTime = timestamppb.New(trial.GetStartTime().AsTime().Add(s.lease))
	}
	return trial
}

// refusal is an error as a server of asktell's sends it.
func refusal(code codes.Code, reason string, metadata map[string]string, retryAfter time.Duration) error {
	st, err := status.New(code, "in words").WithDetails(
		&errdetails.ErrorInfo{Reason: reason, Domain: "asktell", Metadata: metadata})
	if err == nil && retryAfter > 0 {
		st, err = st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(retryAfter)})
	}
	if err != nil {
		panic(err)
	}
	return st.Err()
}

func connect(t *testing.T, s *server, options ...asktell.Option) *asktell.Client {
	t.Helper()
	client, err := asktell.NewClient(append([]asktell.Option{asktell.WithAddress(s.address)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func open(t *testing.T, s *server, options ...asktell.Option) *asktell.Study {
	t.Helper()
	study, err := connect(t, s, options...).Study(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	return study
}
