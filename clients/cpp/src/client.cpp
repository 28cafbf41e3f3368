#include "asktell/client.hpp"

#include "handles.hpp"
#include "options.hpp"
#include "spec_codec.hpp"
#include "values_codec.hpp"

namespace asktell {

Client::Client(const ClientOptions& options)
    : impl_(std::make_shared<Impl>(std::make_shared<Session>(make_settings(options)))) {}
Client::Client(Client&& other) noexcept = default;
Client& Client::operator=(Client&& other) noexcept = default;
Client::~Client() = default;

void Client::close() noexcept { impl_->session->close(); }

Study Client::create_study(const std::string& id, const StudySpec& spec, Existing existing) {
  Session& session = *impl_->session;
  v1::CreateStudyRequest request;
  request.set_parent("projects/" + session.settings.project);
  request.set_study_id(id);
  encode(spec, *request.mutable_study());
  for (int tries_left = 2;; --tries_left) {
    request.set_request_id(new_request_id());
    try {
      const v1::Study created = session.call(*session.studies, &v1::StudyService::Stub::CreateStudy, request);
      for (const auto& warning : created.warnings()) {
        session.settings.warn(created.name() + ": " + warning.field() + ": " + warning.message());
      }
      return make_study(impl_->session, created);
    } catch (const StudyExists& exists) {
      if (existing == Existing::refuse) {
        throw;
      }
      v1::GetStudyRequest get;
      get.set_name(request.parent() + "/studies/" + id);
      try {
        const v1::Study stored = session.call(*session.studies, &v1::StudyService::Stub::GetStudy, get);
        check_existing(session, request.study(), stored, exists);
        return make_study(impl_->session, stored);
      } catch (const StudyNotFound&) {  // deleted between the two calls
        if (tries_left == 0) {
          throw;
        }
      }
    }
  }
}

Study Client::study(const std::string& name) const {
  Session& session = *impl_->session;
  const std::string prefix = "projects/" + session.settings.project + "/";
  v1::GetStudyRequest request;
  if (name.rfind("projects/", 0) == 0) {
    request.set_name(name);
  } else {
    request.set_name(prefix + (name.rfind("studies/", 0) == 0 ? name : "studies/" + name));
  }
  return make_study(impl_->session, session.call(*session.studies, &v1::StudyService::Stub::GetStudy, request));
}

Sequence<Study> Client::studies(const Texts& labels) const {
  v1::ListStudiesRequest request;
  request.set_parent("projects/" + impl_->session->settings.project);
  encode(labels, *request.mutable_labels());
  return pages<Study, v1::Study>(
      [session = impl_->session, request](std::string& token) mutable {
        request.set_page_token(token);
        auto answer = session->call(*session->studies, &v1::StudyService::Stub::ListStudies, request);
        token = answer.next_page_token();
        return std::move(*answer.mutable_studies());
      },
      [session = impl_->session](const v1::Study& wire) { return make_study(session, wire); });
}

}  // namespace asktell
