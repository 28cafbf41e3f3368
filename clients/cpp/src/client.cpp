#include "asktell/client.hpp"

#include <ostream>

#include "handles.hpp"

namespace asktell {

class Client::Impl {
 public:
  explicit Impl(Settings settings)
      : session(std::make_shared<Session>(std::move(settings))), project("projects/" + session->settings.project) {}
  ~Impl() { session->close(); }

  const std::shared_ptr<Session> session;
  const std::string project;

  /// The path is that of the study file in the request; empty: it has none, or its text alone is known.
  v1::Study create(v1::CreateStudyRequest request, const std::string& path) const {
    const std::string prefix = path.empty() ? path : path + ":";
    if (request.parent().empty()) {
      request.set_parent(project);
    }
    const bool check_only = request.validate_only();
    try {
      v1::Study study = session->call(&StudyStub::CreateStudy, std::move(request));
      for (const auto& warning : study.warnings()) {
        if (!check_only) {
          const std::string place = warning.place().empty() ? warning.field() : prefix + warning.place();
          session->settings.on_warning(study.name() + ": " + place + ": " + warning.message());
        }
      }
      return study;
    } catch (Error& error) {
      if (!error.metadata("line").empty()) {
        error.prepend(prefix);
      }
      throw;
    }
  }
};

Client::Client(const ClientOptions& options) : impl_(std::make_shared<Impl>(make_settings(options))) {}

void Client::close() noexcept { impl_->session->close(); }

std::ostream& operator<<(std::ostream& out, const Client& client) {
  const Settings& settings = client.impl_->session->settings;
  std::string_view before;
  for (const Address& address : settings.addresses) {
    out << before << address.text();
    before = ",";
  }
  return out << " project " << settings.project;
}

Study Client::create_study(const std::string& id, const v1::Study& study, Existing existing) {
  v1::CreateStudyRequest request;
  request.set_study_id(id);
  *request.mutable_study() = study;
  request.set_exist_ok(existing == Existing::open);
  return create_study(std::move(request));
}

Study Client::create_study(v1::CreateStudyRequest request) {
  return make_handle(impl_->session, impl_->create(std::move(request), {}));
}

Study Client::create_study_from_file(const std::string& path, Existing existing, const std::string& id) {
  v1::CreateStudyRequest request;
  request.set_study_file(read_file(path));
  request.set_study_id(id);
  request.set_exist_ok(existing == Existing::open);
  return make_handle(impl_->session, impl_->create(std::move(request), path));
}

v1::Study Client::check_study(v1::CreateStudyRequest request) const {
  request.set_validate_only(true);
  return impl_->create(std::move(request), {});
}

v1::Study Client::check_study_file(const std::string& path) const {
  v1::CreateStudyRequest request;
  request.set_study_file(read_file(path));
  request.set_validate_only(true);
  return impl_->create(std::move(request), path);
}

Study Client::study(const std::string& name) const {
  const std::string parent = name.rfind("projects/", 0) == 0 ? "" : impl_->project + "/";
  const std::string collection = parent.empty() || name.rfind("studies/", 0) == 0 ? "" : "studies/";
  auto request = request_for<v1::GetStudyRequest>(parent + collection + name);
  return make_handle(impl_->session, impl_->session->call(&StudyStub::GetStudy, std::move(request)));
}

Sequence<Study> Client::studies(v1::ListStudiesRequest request) const {
  if (request.parent().empty()) {
    request.set_parent(impl_->project);
  }
  return pages<Study>(impl_->session, &StudyStub::ListStudies, std::move(request), &v1::ListStudiesResponse::studies);
}

v1::SuggestResponse Client::suggest(const v1::SuggestRequest& request) const {
  Session& session = *impl_->session;
  return session.call(&v1::SuggestionService::Stub::Suggest, request, session.settings.ask_timeout);
}

}  // namespace asktell
