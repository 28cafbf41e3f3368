package asktell

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
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

// String says where the servers are, and the project; never the token.
func (c *Client) String() string { return showClient(c.session.settings) }

// Close stops the heartbeats, gives back the open trials whose leases run out, and closes the connections. It takes a
// few seconds at most, and returns an error when trials could not be given back: their leases run out by themselves.
func (c *Client) Close() error { return c.session.close() }

// CreateOption changes what [Client.CreateStudy] and its siblings ask for.
type CreateOption func(*pb.CreateStudyRequest)

// ExistOK opens the study that is there already, if nothing differs that can never be changed. Rules and limits that
// [Study.Update] can change may differ, and stay as they are: the log says which.
func ExistOK() CreateOption {
	return func(request *pb.CreateStudyRequest) { request.ExistOk = true }
}

// AsStudy names the study, in place of the name in a study file.
func AsStudy(id string) CreateOption {
	return func(request *pb.CreateStudyRequest) { request.StudyId = id }
}

// CreateStudy creates a study. The id is the last part of its name: 1 to 63 characters out of a–z, 0–9, "-", "_", ".".
//
// Errors: [ErrInvalidArgument], [ErrStudyExists] (with [ExistOK]: one with another specification), [ErrNotSupported].
func (c *Client) CreateStudy(
	ctx context.Context, id string, study *StudyRecord, options ...CreateOption,
) (*Study, error) {
	return c.create(ctx, &pb.CreateStudyRequest{StudyId: id, Study: study}, options)
}

// CreateStudyFromFile creates the study of a YAML file, which the server reads. What is wrong in it is
// [ErrInvalidArgument], and the message begins with path:line:column.
//
// Errors: as of [Client.CreateStudy]; that of the file system.
func (c *Client) CreateStudyFromFile(ctx context.Context, path string, options ...CreateOption) (*Study, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("asktell: study file: %w", err)
	}
	study, err := c.CreateStudyFromText(ctx, string(text), options...)
	if failure, ok := errors.AsType[*Error](err); ok && failure.Metadata["line"] != "" {
		failure.Message = path + ":" + failure.Message
	}
	return study, err
}

// CreateStudyFromText is CreateStudyFromFile for a file that has been read already, or is embedded into the program.
func (c *Client) CreateStudyFromText(ctx context.Context, text string, options ...CreateOption) (*Study, error) {
	if text == "" {
		text = "# empty" // for the server, no text at all would mean that there is no file
	}
	return c.create(ctx, &pb.CreateStudyRequest{StudyFile: text}, options)
}

// CheckStudyFile reads a study file without creating anything: the study as the server understands it, with its
// warnings. Errors: as of [Client.CreateStudyFromFile].
func (c *Client) CheckStudyFile(ctx context.Context, path string) (*StudyRecord, error) {
	study, err := c.CreateStudyFromFile(ctx, path, func(request *pb.CreateStudyRequest) { request.ValidateOnly = true })
	if err != nil {
		return nil, err
	}
	return study.Record(), nil
}

func (c *Client) create(ctx context.Context, request *pb.CreateStudyRequest, options []CreateOption) (*Study, error) {
	request.Parent = c.session.settings.parent()
	for _, option := range options {
		option(request)
	}
	created, err := c.session.studies.CreateStudy(ctx, request)
	if err != nil {
		return nil, err
	}
	study := newStudy(c.session, created)
	for _, warning := range created.GetWarnings() {
		c.session.settings.logger.Warn(
			"asktell: "+warning.GetMessage(), "study", created.GetName(), "field", warning.GetField())
	}
	return study, nil
}

// Study opens a study by its id or by its full name "projects/…/studies/…". Errors: [ErrStudyNotFound].
func (c *Client) Study(ctx context.Context, name string) (*Study, error) {
	if !strings.HasPrefix(name, "projects/") {
		name = c.session.settings.parent() + "/studies/" + strings.TrimPrefix(name, "studies/")
	}
	record, err := c.session.studies.GetStudy(ctx, &pb.GetStudyRequest{Name: name})
	if err != nil {
		return nil, err
	}
	return newStudy(c.session, record), nil
}

// Studies lists the project's studies by name: all of them, or those that have all of the labels.
func (c *Client) Studies(ctx context.Context, labels map[string]string) iter.Seq2[*Study, error] {
	return pages(func(token string) ([]*pb.Study, string, error) {
		answer, err := c.session.studies.ListStudies(ctx, &pb.ListStudiesRequest{
			Parent: c.session.settings.parent(), PageSize: pageSize, PageToken: token, Labels: labels,
		})
		return answer.GetStudies(), answer.GetNextPageToken(), err
	}, func(record *pb.Study) *Study { return newStudy(c.session, record) })
}

// Suggest suggests configurations for a problem and its history, without a study: nothing is stored, and the same
// request gets the same suggestions.
//
// Errors: [ErrInvalidArgument], [ErrNotSupported], [ErrStudyComplete] (the space or its grid is exhausted),
// [ErrQueueEmpty] (manual search suggests nothing).
func (c *Client) Suggest(ctx context.Context, request *SuggestRequest) (*SuggestResponse, error) {
	return c.session.suggestions.Suggest(ctx, request)
}
