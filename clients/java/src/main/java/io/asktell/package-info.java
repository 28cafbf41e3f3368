/**
 * The Java client of asktell: ask for a configuration, train, tell the validation loss back.
 *
 * <p>A {@link io.asktell.Client} is a connection to one or several servers, a {@link
 * io.asktell.Study} is the unit of tuning, and a {@link io.asktell.Trial} that came from {@link
 * io.asktell.Study#ask()} has a lease which renews itself until the trial is told, released or
 * closed. What goes wrong in a call is a subclass of {@link io.asktell.AsktellException}.
 *
 * <p>These are handles. What they show and take are the messages of {@code io.asktell.v1}, the
 * contract's generated code, with every field that the server knows: {@link
 * io.asktell.Study#info()} is an {@link io.asktell.v1.Study}, {@link io.asktell.Trial#info()} an
 * {@link io.asktell.v1.Trial}.
 */
package io.asktell;
