/**
 * The Java client of asktell: ask for a configuration, train, tell the validation loss back.
 *
 * <p>A {@link io.asktell.Client} is a connection to one or several servers, a {@link
 * io.asktell.Study} is the unit of tuning, and a {@link io.asktell.Trial} that came from {@link
 * io.asktell.Study#ask()} holds a lease which renews itself until the trial is told, released or
 * closed. What goes wrong in a call is a subclass of {@link io.asktell.AsktellException}.
 */
package io.asktell;
