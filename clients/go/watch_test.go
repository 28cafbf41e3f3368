package asktell_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	asktell "github.com/asktell/asktell/clients/go"
	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

func TestAWatchGoesOnWhereItBrokeOff(t *testing.T) {
	t.Parallel()
	breaks := []error{
		status.Error(codes.Unavailable, "going down"), status.Error(codes.Canceled, "a proxy's"), nil,
	}
	s := start(t, &server{watch: func(n int, request *pb.WatchStudyRequest, send func(*pb.WatchStudyResponse)) error {
		at, _ := strconv.Atoi(request.GetCursor())
		for range 2 {
			at++
			send(&pb.WatchStudyResponse{Cursor: strconv.Itoa(at), Change: &pb.WatchStudyResponse_DeletedTrial{
				DeletedTrial: &pb.DeletedTrial{Name: studyName + "/trials/" + strconv.Itoa(at)},
			}})
		}
		return breaks[n-1]
	}})
	var numbers []int
	for change, err := range open(t, s).Watch(t.Context(), "0") {
		if err != nil {
			t.Fatal(err)
		}
		if numbers = append(numbers, int(asktell.TrialNumber(change.GetDeletedTrial().GetName()))); len(numbers) == 6 {
			break
		}
	}
	if !slices.Equal(numbers, []int{1, 2, 3, 4, 5, 6}) {
		t.Error(numbers)
	}
	var cursors []string
	for _, each := range s.seen("WatchStudy") {
		cursors = append(cursors, each.requestID) // where the server notes the cursor
	}
	if !slices.Equal(cursors, []string{"0", "2", "4"}) {
		t.Error(cursors)
	}
}

func TestAWatchEndsWithItsContextItsClientOrItsStudy(t *testing.T) {
	t.Parallel()
	opened := make(chan struct{}, 1)
	waiting := func(int, *pb.WatchStudyRequest, func(*pb.WatchStudyResponse)) error {
		opened <- struct{}{}
		return nil
	}
	s := start(t, &server{watch: waiting})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-opened; cancel() }()
	expectEnd(t, open(t, s), ctx, context.Canceled)

	client := connect(t, s)
	study, err := client.Study(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	go func() { <-opened; _ = client.Close() }()
	expectEnd(t, study, t.Context(), asktell.ErrClientClosed)

	s = start(t, &server{watch: func(int, *pb.WatchStudyRequest, func(*pb.WatchStudyResponse)) error {
		return refusal(codes.NotFound, "STUDY_NOT_FOUND", nil, 0)
	}})
	expectEnd(t, open(t, s), t.Context(), asktell.ErrStudyNotFound)
}

func expectEnd(t *testing.T, study *asktell.Study, ctx context.Context, want error) {
	t.Helper()
	var failure error
	for _, err := range study.Watch(ctx, "") {
		failure = err
	}
	if !errors.Is(failure, want) {
		t.Errorf("ended with %v, want %v", failure, want)
	}
}
