// SPDX-License-Identifier: Apache-2.0
#include "stage.hpp"

#include <filesystem>
#include <fstream>
#include <thread>

namespace syncline::test {
namespace {

std::string report_text(const CopyReport& report) {
  return "exit " + std::to_string(report.exit_code) + (report.in_step ? ", in step" : "") + ", " +
         std::to_string(report.errors) + " errors; files: " + std::to_string(report.files_total) + ", " +
         std::to_string(report.files_changed) + " changed, " + std::to_string(report.files_deleted) +
         " deleted, " + std::to_string(report.files_renamed) +
         " renamed; bytes: " + std::to_string(report.bytes_total) + ", " +
         std::to_string(report.bytes_changed) + " changed";
}

std::string error_text(const Error& error) {
  const bool is_ours = error.code().category() == syncline_category();
  return (is_ours ? "error " : "errno ") + std::to_string(error.code().value());
}

}  // namespace

void Stage::prepare(const Step& step, bool client, bool server) const {
  const bool has_source = scenario_.push ? client : server;
  const bool has_target = scenario_.push ? server : client;
  if (has_source && step.at_source) step.at_source(scenario_.push ? here_ : share_);
  if (has_target && step.at_target) step.at_target(scenario_.push ? share_ : here_);
  if (!server || !step.loses_state) return;
  for (const auto& file : std::filesystem::directory_iterator(states_.path("server/replicas")))
    if (file.path().extension() == ".db") std::ofstream(file.path()) << std::string(8192, 'x');
}

sync::ServedShare Stage::share() const {
  sync::ServedShare out;
  out.dir = share_.root();
  out.may_write = scenario_.may_write;
  out.may_delete = scenario_.may_delete;
  out.state_dir = states_.make_dir("server");
  out.threads = 1;
  return out;
}

CopyOptions Stage::options(const Step& step) const {
  const auto there = [](const std::string& path) { return "syncline://host/share/" + path; };
  const auto here = [this](const std::string& path) { return here_.path(path); };
  CopyOptions out;
  for (const auto& source : scenario_.sources)
    out.sources.push_back(scenario_.push ? here(source) : there(source));
  out.destination = scenario_.push ? there(scenario_.target) : here(scenario_.target);
  out.owner = out.group = out.acls = out.xattrs = false;
  out.synclineignore = false;  // which older clients do not ask for
  out.state_dir = states_.path("client");
  out.durability = Durable::none;
  out.threads = 1;
  out.retries = 0;
  if (step.with) step.with(out);
  return out;
}

/// All that the person hears. Notices name places that are others in each run.
std::string Stage::run_client(const Step& step, const sync::Dial& dial) {
  std::multiset<std::string> lines;
  std::size_t notices = 0;
  CopyObserver observer;
  observer.on_change = [&](const ChangeEvent& event) {
    lines.insert(event.itemized + ' ' + event.path + (event.renamed_from.empty() ? "" : " from ") +
                 event.renamed_from + (event.edited_in_destination ? ", edited" : ""));
  };
  observer.on_error = [&](const ErrorEvent& event) {
    lines.insert("error " + std::to_string(event.exit_code) + " at the " + event.side + ": " + event.path);
  };
  observer.on_notice = [&](const std::string&) { ++notices; };
  std::string out;
  try {
    out = report_text(sync::run_remote_copy(client_.world, options(step), observer, dial));
  } catch (const Error& error) {
    out = error_text(error);
  }
  out += ", " + std::to_string(notices) + " notices";
  for (const auto& line : lines) out += '\n' + line;
  return out;
}

std::string Stage::picture() const {
  return picture_text(scenario_.push ? share_.root() : here_.root(), scenario_.is_whole());
}

EndOptions Stage::end_options(const Step& step, Side side, Tape* tape) const {
  return {side, tape, side == sender() ? step.content_bytes : -1};
}

RecordedConnection Stage::record(const Step& step) {
  prepare(step, true, true);
  Tape tape;
  Served served(share(), server_.world);
  const auto taped = [&](Side side) {
    return [this, &step, &tape, side](std::unique_ptr<wire::Transport> end) {
      return std::make_unique<TapedEnd>(std::move(end), end_options(step, side, &tape));
    };
  };
  served.wrap = taped(Side::client);
  served.wrap_there = taped(Side::server);
  RecordedConnection out;
  out.report = run_client(step, [&](const sync::RemotePlace&) { return served.dial(); });
  served.join();
  out.frames = tape.take();
  if (!step.breaks_off()) out.picture = picture();
  return out;
}

Played Stage::play(const RecordedConnection& connection, const Part& part,
                   std::unique_ptr<wire::Transport> end) {
  try {
    if (part.side == sender()) return play_sender(connection, part, std::move(end));
    return play_receiver(connection, part, std::move(end), recorded_tree_, live_tree_);
  } catch (const std::exception& error) {
    return {error.what(), "", ""};
  }
}

StepResult Stage::with_live_server(const Step& step, const RecordedConnection& connection) {
  prepare(step, false, true);
  Served served(share(), server_.world);
  served.wrap_there = [&](std::unique_ptr<wire::Transport> end) {
    return std::make_unique<TapedEnd>(std::move(end), end_options(step, Side::server, nullptr));
  };
  StepResult out;
  out.played = play(connection, {Side::client, scenario_.by_group, step.breaks_off()}, served.dial());
  served.join();
  if (scenario_.push && !step.breaks_off()) out.picture = picture();
  return out;
}

StepResult Stage::with_live_client(const Step& step, const RecordedConnection& connection) {
  prepare(step, true, false);
  StepResult out;
  std::thread server;
  const auto dial = [&](const sync::RemotePlace&) -> std::unique_ptr<wire::Transport> {
    if (server.joinable()) throw Error(Errc::disconnected, "a second connection");
    auto [here, there] = make_frame_pipe();
    server = std::thread([&, end = there.release()] {
      out.played = play(connection, {Side::server, scenario_.by_group, step.breaks_off()},
                        std::unique_ptr<wire::Transport>(end));
    });
    return std::make_unique<TapedEnd>(std::move(here), end_options(step, Side::client, nullptr));
  };
  out.report = run_client(step, dial);
  if (server.joinable()) server.join();
  if (!scenario_.push && !step.breaks_off()) out.picture = picture();
  return out;
}

}  // namespace syncline::test
