package asktell

import (
	"context"
	"errors"
	"iter"
	"strings"

	pb "github.com/asktell/asktell/clients/go/asktell/v1"
)

// Client is a connection to one or several servers. Its methods and those of its studies and trials may be called from
// several goroutines.
type Client struct {
	session *session
}

// NewClient opens no connection yet: the first call does, and waits for a server for as long as its deadline.
func NewClient(options ...Option) (*Client, error) {
	settings, err := newSettings(options)
	if err != nil {
		return nil, err
	}
	session, err := newSession(settings)
	if err != nil {
		return nil, err
	}
	return &Client{session: session}, nil
}

// Close stops the heartbeats, gives back the open trials whose leases run out, and closes the connections. It takes a
// few seconds at most, and returns an error when trials could not be given back: their leases run out by themselves.
func (c *Client) Close() error { return c.session.close() }

// CreateOption changes what [Client.CreateStudy] does.
type CreateOption func(*createOptions)

type createOptions struct{ existOK bool }

// ExistOK makes CreateStudy open the study that is there already, if it has the same specification. Rules and limits
// that [Study.Update] can change may differ, and stay as they are.
func ExistOK() CreateOption {
	return func(o *createOptions) { o.existOK = true }
}

// CreateStudy creates a study. The id is the last part of its name: 1 to 63 characters out of a–z, 0–9, "-", "_", ".".
//
// Errors: [ErrInvalidArgument], [ErrStudyExists] (with [ExistOK]: one with another specification), [ErrNotSupported].
func (c *Client) CreateStudy(ctx context.Context, id string, spec StudySpec, options ...CreateOption) (*Study, error) {
	var chosen createOptions
	for _, option := range options {
		option(&chosen)
	}
	wire, err := encodeSpec(spec)
	if err != nil {
		return nil, err
	}
	request := &pb.CreateStudyRequest{
		Parent: "projects/" + c.session.settings.project, StudyId: id, Study: wire, RequestId: newRequestID(),
	}
	for triesLeft := 2; ; triesLeft-- {
		created, err := c.session.studies.CreateStudy(ctx, request)
		if err == nil {
			return c.created(created), nil
		}
		if !chosen.existOK || !errors.Is(err, ErrStudyExists) {
			return nil, err
		}
		name := request.GetParent() + "/studies/" + id
		stored, getErr := c.session.studies.GetStudy(ctx, &pb.GetStudyRequest{Name: name})
		if getErr == nil {
			return c.existing(wire, stored, err)
		}
		if triesLeft == 0 || !errors.Is(getErr, ErrStudyNotFound) {
			return nil, getErr
		}
		request.RequestId = newRequestID() // deleted between the two calls
	}
}

func (c *Client) created(wire *pb.Study) *Study {
	study := newStudy(c.session, wire)
	for _, warning := range study.Info().Warnings {
		c.session.settings.logger.Warn("asktell: "+warning.Message, "study", study.Name(), "field", warning.Field)
	}
	return study
}

// Study opens a study by its id or by its full name "projects/…/studies/…". Errors: [ErrStudyNotFound].
func (c *Client) Study(ctx context.Context, name string) (*Study, error) {
	if !strings.HasPrefix(name, "projects/") {
		name = "projects/" + c.session.settings.project + "/studies/" + strings.TrimPrefix(name, "studies/")
	}
	wire, err := c.session.studies.GetStudy(ctx, &pb.GetStudyRequest{Name: name})
	if err != nil {
		return nil, err
	}
	return newStudy(c.session, wire), nil
}

// Studies lists the project's studies by name. Of the options, [WithLabels] and [WithPageSize] have a meaning here.
func (c *Client) Studies(ctx context.Context, options ...ListOption) iter.Seq2[*Study, error] {
	chosen := newListOptions(options)
	return pages(func(token string) ([]*pb.Study, string, error) {
		answer, err := c.session.studies.ListStudies(ctx, &pb.ListStudiesRequest{
			Parent:   "projects/" + c.session.settings.project,
			PageSize: chosen.pageSize, PageToken: token, Labels: chosen.filter.GetLabels(),
		})
		return answer.GetStudies(), answer.GetNextPageToken(), err
	}, func(wire *pb.Study) *Study { return newStudy(c.session, wire) })
}
