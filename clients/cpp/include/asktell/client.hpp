#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "asktell/sequence.hpp"
#include "asktell/spec.hpp"
#include "asktell/study.hpp"
#include "asktell/suggest.hpp"

namespace asktell {

/// How a client is set up. What is not set comes from the environment, then from the default.
struct ClientOptions {
  /// "host:port", or several with commas between, among which calls take turns. ASKTELL_ADDRESS, localhost:50051.
  std::optional<std::string> address;
  /// Bearer token that goes with every call. ASKTELL_TOKEN, none.
  std::optional<std::string> token;
  /// PEM file of the certificates to trust; switches TLS on. ASKTELL_TLS_CA, none.
  std::optional<std::string> tls_ca_file;
  /// TLS with the system's certificates.
  bool tls = false;
  /// Namespace of studies that are named by their id alone.
  std::string project = "default";
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
  open,    ///< open it if it has the same specification; rules that update() can change may differ, and stay
};

/// A connection to one or several servers. Methods, and those of its studies and trials, may be called from several
/// threads; they throw Error. Studies and trials may outlive the client: their calls then throw ClientClosed.
class Client {
 public:
  class Impl;
  /// Opens no connection yet: the first call does. @throws InvalidOption.
  explicit Client(const ClientOptions& options = {});
  Client(Client&& other) noexcept;
  Client& operator=(Client&& other) noexcept;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();  ///< close()

  /// Creates a study. The id is the last part of its name: 1 to 63 characters out of a–z, 0–9, "-", "_", ".".
  /// @throws InvalidArgument, StudyExists, NotSupported.
  Study create_study(const std::string& id, const StudySpec& spec, Existing existing = Existing::refuse);
  /// Opens a study by its id or by its full name "projects/…/studies/…". @throws StudyNotFound.
  [[nodiscard]] Study study(const std::string& name) const;
  /// The project's studies by name; only those with all of the labels.
  [[nodiscard]] Sequence<Study> studies(const Texts& labels = {}) const;

  /// Suggestions for a problem and its history, without a study: nothing is stored.
  /// @throws InvalidArgument, NotSupported, StudyComplete (the grid is exhausted), QueueEmpty (manual search).
  [[nodiscard]] Suggestions suggest(const Problem& problem) const;

  /// Stops the heartbeats, ends calls that other threads wait for, and gives back the open trials, except those whose
  /// lease never ends. Takes a few seconds at most; trials that could not be given back run out by themselves.
  void close() noexcept;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace asktell
