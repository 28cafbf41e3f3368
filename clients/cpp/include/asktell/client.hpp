#pragma once

#include <asktell/v1/study_service.pb.h>
#include <asktell/v1/suggestion_service.pb.h>

#include <iosfwd>

#include "asktell/study.hpp"

namespace asktell {

/// How a client is set up. What is not set comes from the environment, then from the default.
struct ClientOptions {
  /// "host:port", or several with commas between, among which calls take turns. ASKTELL_ADDRESS, localhost:50051.
  std::optional<std::string> address;
  /// Bearer token that goes with every call. ASKTELL_TOKEN, none.
  std::optional<std::string> token;
  /// PEM file of the certificates to trust; switches TLS on. ASKTELL_TLS_CA, none.
  std::optional<std::string> tls_ca_file;
  bool tls = false;                 ///< TLS with the system's certificates
  std::string project = "default";  ///< namespace of studies that are named by their id alone
  /// Kept with each trial; default: host name and process id.
  std::optional<std::string> worker_id;
  /// How long a call may take, retries included.
  std::chrono::milliseconds timeout = std::chrono::seconds(30);
  /// The same for ask and suggest, which may fit a model before they answer.
  std::chrono::milliseconds ask_timeout = std::chrono::seconds(60);
  /// Gets warnings (failing heartbeats, doubtful studies), from any thread; default: to std::clog.
  std::function<void(const std::string&)> on_warning;
};

/// What to do when a study of that name exists.
enum class Existing {
  refuse,  ///< throw StudyExists
  open,    ///< open it unless it differs in what can never be changed; rules that update() can change stay as they are
};

/// A connection to one or several servers. Methods, and those of its studies and trials, may be called from several
/// threads; they throw Error. Studies and trials may outlive the client: their calls then throw ClientClosed.
///
/// Methods that take a request of the contract can say all that it says. The client fills in the study or trial, and
/// the project, worker id and request id where they are empty.
class Client {
 public:
  /// Opens no connection yet: the first call does. The destructor calls close(). @throws InvalidOption.
  explicit Client(const ClientOptions& options = {});
  Client(Client&&) noexcept = default;
  Client& operator=(Client&&) noexcept = default;

  /// Creates a study. The id is the last part of its name: 1 to 63 characters out of a–z, 0–9, "-", "_", ".".
  /// @throws InvalidArgument, StudyExists, NotSupported.
  Study create_study(const std::string& id, const v1::Study& study, Existing existing = Existing::refuse);
  /// create_study with all that the request can say, such as the text of a study file.
  Study create_study(v1::CreateStudyRequest request);
  /// Creates a study from the YAML file that all clients and the command line share. An id replaces the name in it.
  /// @throws std::system_error The file cannot be read. @throws As create_study, with file:line:column in the text.
  Study create_study_from_file(const std::string& path, Existing existing = Existing::refuse,
                               const std::string& id = {});
  /// Only checks what create_study would do, and stores nothing. The study as it was understood, with its warnings.
  [[nodiscard]] v1::Study check_study(v1::CreateStudyRequest request) const;
  /// check_study for a file.
  [[nodiscard]] v1::Study check_study_file(const std::string& path) const;

  /// Opens a study by its id or by its full name "projects/…/studies/…". @throws StudyNotFound.
  [[nodiscard]] Study study(const std::string& name) const;
  /// The project's studies by name; with labels in the request, only those with all of them.
  [[nodiscard]] Sequence<Study> studies(v1::ListStudiesRequest request = {}) const;

  /// Suggestions for a problem and its history, without a study: nothing is stored.
  /// @throws InvalidArgument, NotSupported, StudyComplete (the grid is exhausted), QueueEmpty (manual search).
  [[nodiscard]] v1::SuggestResponse suggest(const v1::SuggestRequest& request) const;

  /// Stops the heartbeats, ends calls that other threads wait for, and gives back the open trials, except those whose
  /// lease never ends. Takes a few seconds at most; trials that could not be given back run out by themselves.
  void close() noexcept;

  /// Where the servers are, and the project; never the token.
  friend std::ostream& operator<<(std::ostream& out, const Client& client);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace asktell
