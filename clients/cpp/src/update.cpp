#include "handles.hpp"
#include "info_codec.hpp"
#include "values_codec.hpp"

namespace asktell {
namespace {

/// Notes the path of a rule that changes; calls `set` when it gets a value and is not cleared.
template <class T, class Set>
void change(const StudyUpdate::Rule<T>& rule, const char* path, google::protobuf::FieldMask& mask, const Set& set) {
  if (!rule) {
    return;
  }
  mask.add_paths(path);
  if (const auto* value = std::get_if<T>(&*rule)) {
    set(*value);
  }
}

}  // namespace

void Study::Impl::set_state(v1::StudyState state) {
  v1::UpdateStudyRequest request;
  request.mutable_study()->set_name(name);
  request.mutable_study()->set_state(state);
  request.mutable_update_mask()->add_paths("state");
  request.set_request_id(new_request_id());
  latest.set(decode(session->call(*session->studies, &v1::StudyService::Stub::UpdateStudy, request)));
}

void Study::pause() { impl_->set_state(v1::STUDY_STATE_PAUSED); }
void Study::resume() { impl_->set_state(v1::STUDY_STATE_ACTIVE); }
void Study::finish() { impl_->set_state(v1::STUDY_STATE_FINISHED); }

void Study::update(const StudyUpdate& changes) {
  v1::UpdateStudyRequest request;
  v1::Study& wire = *request.mutable_study();
  google::protobuf::FieldMask& mask = *request.mutable_update_mask();
  v1::StoppingRules& rules = *wire.mutable_stopping_rules();
  wire.set_name(name());
  request.set_request_id(new_request_id());
  change<int>(changes.max_trials, "stopping_rules.max_trials", mask, [&](int value) { rules.set_max_trials(value); });
  change<double>(changes.target, "stopping_rules.target_value", mask,
                 [&](double value) { rules.set_target_value(value); });
  change<int>(changes.patience, "stopping_rules.patience_trials", mask,
              [&](int value) { rules.set_patience_trials(value); });
  change<Time>(changes.deadline, "stopping_rules.deadline", mask,
               [&](Time value) { encode_time(value, *rules.mutable_deadline()); });
  if (changes.max_running) {
    mask.add_paths("max_running_trials");
    wire.set_max_running_trials(*changes.max_running);
  }
  change<int>(changes.max_staleness, "max_staleness", mask, [&](int value) { wire.set_max_staleness(value); });
  if (changes.display_name) {
    mask.add_paths("display_name");
    wire.set_display_name(*changes.display_name);
  }
  if (changes.labels) {
    mask.add_paths("labels");
    encode(*changes.labels, *wire.mutable_labels());
  }
  if (changes.annotations) {
    mask.add_paths("annotations");
    encode(*changes.annotations, *wire.mutable_annotations());
  }
  wire.set_etag(changes.etag.value_or(""));
  Session& session = *impl_->session;
  impl_->latest.set(decode(session.call(*session.studies, &v1::StudyService::Stub::UpdateStudy, request)));
}

void Study::remove(const std::optional<std::string>& etag) {
  v1::DeleteStudyRequest request;
  request.set_name(name());
  request.set_etag(etag.value_or(""));
  request.set_request_id(new_request_id());
  Session& session = *impl_->session;
  session.call(*session.studies, &v1::StudyService::Stub::DeleteStudy, request);
}

}  // namespace asktell
