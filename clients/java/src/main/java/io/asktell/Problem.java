package io.asktell;

import com.google.protobuf.ByteString;
import io.asktell.v1.Configuration;
import io.asktell.v1.SuggestRequest;
import java.util.ArrayList;
import java.util.List;

/**
 * What {@link Client#suggest} is asked: what to optimise, and what is known about it. Immutable.
 */
public final class Problem {
  private final SuggestRequest request;

  private Problem(SuggestRequest request) {
    this.request = request;
  }

  /** A problem with nothing in it yet. */
  public static Builder builder() {
    return new Builder();
  }

  SuggestRequest encode() {
    return request;
  }

  /** Collects a problem. */
  public static final class Builder {
    private final List<Parameter> space = new ArrayList<>();
    private final List<Objective> objectives = new ArrayList<>();
    private final SuggestRequest.Builder request = SuggestRequest.newBuilder();
    private Algorithm algorithm = new Algorithm.Auto();
    private int replicates;

    private Builder() {}

    /** Adds a parameter. */
    public Builder parameter(Parameter parameter) {
      space.add(parameter);
      return this;
    }

    /** Adds an objective. */
    public Builder objective(Objective objective) {
      objectives.add(objective);
      return this;
    }

    /** Sets how configurations are found. */
    public Builder algorithm(Algorithm chosen) {
      algorithm = chosen;
      return this;
    }

    /** Sets how many times each configuration may be tried. Default: once. */
    public Builder replicates(int times) {
      replicates = times;
      return this;
    }

    /** Adds a configuration that has been run; at most 20,000. */
    public Builder observation(Observation observation) {
      request.addObservations(observation.encode());
      return this;
    }

    /** Adds a configuration that is running now; suggestions keep away from it. At most 1,000. */
    public Builder pending(Params params) {
      request.addPending(Configuration.newBuilder().putAllParameters(Wire.params(params)));
      return this;
    }

    /** Sets how many suggestions there should be. Default: 1. */
    public Builder count(int suggestions) {
      request.setCount(suggestions);
      return this;
    }

    /** Sets the seed of everything random. */
    public Builder seed(long value) {
      request.setSeed(value);
      return this;
    }

    /** Hands back the {@link Suggestions#warmStart()} of an earlier answer for the same problem. */
    public Builder warmStart(byte[] earlier) {
      request.setWarmStart(ByteString.copyFrom(earlier));
      return this;
    }

    /** The problem. */
    public Problem build() {
      io.asktell.v1.Problem problem =
          io.asktell.v1.Problem.newBuilder()
              .setSearchSpace(SpaceCodec.encode(space))
              .addAllObjectives(SpecCodec.objectives(objectives))
              .setAlgorithm(SpecCodec.algorithm(algorithm))
              .setReplicates(replicates)
              .build();
      return new Problem(request.clone().setProblem(problem).build());
    }
  }
}
