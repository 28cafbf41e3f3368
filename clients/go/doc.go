// Package asktell is the Go client of asktell: ask for a configuration, train, tell the validation loss back.
// The example of this package is the whole loop.
//
// A [Client] is a connection to one or several servers, a [Study] is the unit of tuning, and a [Trial] that came from
// [Study.Ask] holds a lease which renews itself until the trial is told, released or closed.
//
// What is sent and what comes back are the messages of the contract, [StudyRecord], [TrialRecord] and their siblings.
//
// Every call ends after the client's own timeout (see [WithTimeout] and [WithAskTimeout]) or with its context. Within that
// time it is made again, with the same request id, while the server is unavailable: nothing is done twice.
//
// Errors of calls are of type [*Error]. What went wrong is told by [errors.Is] and the Err variables, which form a
// tree: [ErrNotFinite] is also [ErrInvalidArgument]. The text of an error is for people only.
package asktell

// Version of this client; all of asktell's clients and its server move in step.
const Version = "0.1.0"
