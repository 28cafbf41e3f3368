package io.asktell;

import io.asktell.v1.CreateStudyRequest;
import io.asktell.v1.GetStudyRequest;
import io.asktell.v1.ListStudiesRequest;
import io.asktell.v1.ListStudiesResponse;
import io.asktell.v1.StudyServiceGrpc;
import io.asktell.v1.StudyWarning;
import io.asktell.v1.SuggestRequest;
import io.asktell.v1.SuggestResponse;
import io.asktell.v1.SuggestionServiceGrpc;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * A connection to one or several servers. Its methods and those of its studies and trials may be
 * called from several threads.
 */
public final class Client implements AutoCloseable {
  /** Version of this client. */
  public static final String VERSION = "0.1.0";

  private final Session session;

  private Client(Settings settings) {
    session = new Session(settings);
  }

  /**
   * A client with the settings of the environment: ASKTELL_ADDRESS, ASKTELL_TOKEN, ASKTELL_TLS_CA.
   *
   * @throws IllegalArgumentException when one of them makes no sense
   */
  public static Client create() {
    return builder().build();
  }

  /** A client with settings of its own. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Creates a study.
   *
   * @param id the last part of its name: 1 to 63 characters out of a–z, 0–9, "-", "_", "."
   * @param study what it is created with, for example from a {@link StudyBuilder}
   * @throws AsktellException.InvalidArgumentException for values that make no sense
   * @throws AsktellException.StudyExistsException when there is one of that name
   * @throws AsktellException.NotSupportedException for what this server cannot do
   */
  public Study createStudy(String id, io.asktell.v1.Study study) {
    return createStudy(request(id, study).build());
  }

  /** Creates the study of a study file. */
  public Study createStudy(StudyFile file) {
    return create(file.request(), file.source());
  }

  /**
   * Creates a study, or opens the one that is there already, provided that nothing differs that can
   * never be changed. Rules and limits that {@link Study#update} can change stay as they are, and a
   * logged warning names those that differ.
   *
   * @throws AsktellException.InvalidArgumentException for values that make no sense
   * @throws AsktellException.StudyExistsException when there is another one of that name
   */
  public Study createOrOpenStudy(String id, io.asktell.v1.Study study) {
    return createStudy(request(id, study).setExistOk(true).build());
  }

  /** Creates or opens the study of a study file. */
  public Study createOrOpenStudy(StudyFile file) {
    return create(file.request().setExistOk(true), file.source());
  }

  /**
   * Creates, or creates or opens, with any field of the request. An empty parent stands for the
   * project of the client, and an empty request id for a new one.
   */
  public Study createStudy(CreateStudyRequest request) {
    return create(request.toBuilder(), "");
  }

  /**
   * Checks what {@link #createStudy(String, io.asktell.v1.Study)} would create, and stores nothing.
   *
   * @return the study as the server understood it, with its warnings
   */
  public io.asktell.v1.Study checkStudy(String id, io.asktell.v1.Study study) {
    return send(request(id, study).setValidateOnly(true), "");
  }

  /** Checks a study file, and stores nothing. */
  public io.asktell.v1.Study checkStudy(StudyFile file) {
    return send(file.request().setValidateOnly(true), file.source());
  }

  private static CreateStudyRequest.Builder request(String id, io.asktell.v1.Study study) {
    return CreateStudyRequest.newBuilder().setStudyId(id).setStudy(study);
  }

  private Study create(CreateStudyRequest.Builder request, String source) {
    io.asktell.v1.Study study = send(request, source);
    for (StudyWarning warning : study.getWarningsList()) {
      String file = source.isEmpty() ? "" : source + ":";
      String place = warning.getPlace().isEmpty() ? warning.getField() : file + warning.getPlace();
      Session.LOGGER.log(
          Level.WARNING, "{0}: {1}: {2}", study.getName(), place, warning.getMessage());
    }
    return new Study(session, study);
  }

  private io.asktell.v1.Study send(CreateStudyRequest.Builder request, String source) {
    if (request.getParent().isEmpty()) {
      request.setParent(session.settings.parent());
    }
    try {
      return session.calls.unary(StudyServiceGrpc.getCreateStudyMethod(), request.build());
    } catch (AsktellException failure) {
      throw failure.in(source);
    }
  }

  /**
   * Opens a study.
   *
   * @param name its id, or its full name {@code "projects/…/studies/…"}
   * @throws AsktellException.NotFoundException when there is none
   */
  public Study study(String name) {
    boolean full = name.startsWith("projects/");
    String id = name.startsWith("studies/") ? name.substring("studies/".length()) : name;
    GetStudyRequest request =
        GetStudyRequest.newBuilder()
            .setName(full ? name : session.settings.parent() + "/studies/" + id)
            .build();
    return new Study(session, session.calls.unary(StudyServiceGrpc.getGetStudyMethod(), request));
  }

  /** The project's studies by name; pages are fetched as the reader gets there. */
  public Stream<Study> studies() {
    ListStudiesRequest.Builder request =
        ListStudiesRequest.newBuilder()
            .setParent(session.settings.parent())
            .setPageSize(Pages.SIZE);
    return Pages.stream(
        token -> {
          ListStudiesResponse page =
              session.calls.unary(
                  StudyServiceGrpc.getListStudiesMethod(), request.setPageToken(token).build());
          return new Pages.Page<>(
              page.getStudiesList().stream().map(study -> new Study(session, study)).toList(),
              page.getNextPageToken());
        });
  }

  /**
   * Suggests configurations for a problem and its history, without a study: nothing is stored, and
   * the same request gets the same answer. {@link Params#of} reads the parameters of a suggestion.
   *
   * @throws AsktellException.InvalidArgumentException for a problem that makes no sense
   * @throws AsktellException.StudyCompleteException when the grid is exhausted
   * @throws AsktellException.QueueEmptyException for manual search, which suggests nothing
   */
  public SuggestResponse suggest(SuggestRequest request) {
    return session.calls.unary(SuggestionServiceGrpc.getSuggestMethod(), request);
  }

  /**
   * Stops the heartbeats, gives back the open trials whose leases run out, and closes the
   * connections. It takes a few seconds at most.
   */
  @Override
  public void close() {
    session.close();
  }

  /** Where the servers are, and the project; never the token. */
  @Override
  public String toString() {
    return Show.client(session.settings);
  }

  /** Collects settings. What is not set comes from the environment, then from defaults. */
  public static final class Builder {
    String address;
    String token;
    boolean tls;
    Path certificates;
    String project = "default";
    String workerId;
    Duration timeout = Duration.ofSeconds(30);
    Duration askTimeout = Duration.ofSeconds(60);

    private Builder() {}

    /**
     * Where the servers are: {@code "host:port"}, or several with commas between, among which calls
     * take turns. Default: ASKTELL_ADDRESS, then localhost:50051.
     */
    public Builder address(String addresses) {
      address = Objects.requireNonNull(addresses);
      return this;
    }

    /** A bearer token that goes with every call. Default: ASKTELL_TOKEN. */
    public Builder token(String bearer) {
      token = Objects.requireNonNull(bearer);
      return this;
    }

    /**
     * Encrypts, and trusts the Java platform's certificates. Default: plain text, unless
     * ASKTELL_TLS_CA is set.
     */
    public Builder tls() {
      tls = true;
      return this;
    }

    /** Encrypts, and trusts the certificates of a PEM file instead. Default: ASKTELL_TLS_CA. */
    public Builder certificates(Path file) {
      certificates = Objects.requireNonNull(file);
      tls = true;
      return this;
    }

    /** The namespace of studies that are named by their id alone. Default: {@code "default"}. */
    public Builder project(String name) {
      project = Objects.requireNonNull(name);
      return this;
    }

    /**
     * Names this worker; the name is kept with each trial it asks for. Default: host name and
     * process id.
     */
    public Builder workerId(String id) {
      workerId = Objects.requireNonNull(id);
      return this;
    }

    /** How long a call may take, retries included. Default: 30 s. */
    public Builder timeout(Duration limit) {
      timeout = positive(limit);
      return this;
    }

    /**
     * How long one call of ask or suggest may take, which may fit a model before it answers.
     * Default: 60 s. How long an ask waits for a trial to become available is up to {@link
     * Study#ask(Duration)}.
     */
    public Builder askTimeout(Duration limit) {
      askTimeout = positive(limit);
      return this;
    }

    private static Duration positive(Duration limit) {
      if (limit.isNegative() || limit.isZero()) {
        throw new IllegalArgumentException("a timeout must be greater than 0, got " + limit);
      }
      return limit;
    }

    /**
     * Opens no connection yet: the first call does, and waits for a server for as long as its
     * deadline.
     *
     * @throws IllegalArgumentException for an address or a file of certificates that makes no sense
     */
    public Client build() {
      return new Client(Settings.of(this, System.getenv()));
    }
  }
}
