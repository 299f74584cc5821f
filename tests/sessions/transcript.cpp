// SPDX-License-Identifier: Apache-2.0
#include "transcript.hpp"

#include <algorithm>
#include <iterator>
#include <type_traits>

namespace syncline::test {
namespace {

std::string quoted(const std::string& text) { return "'" + escape_name(text) + "'"; }

std::string yes_no(const char* what, bool value) { return (value ? " " : " not ") + std::string(what); }

std::string hex_of(ByteView bytes) { return hash::blake3(bytes).hex().substr(0, 16); }

std::string code_of(std::uint32_t code, bool is_ours) {
  return (is_ours ? "syncline " : "errno ") + std::to_string(code);
}

/// Owners are left out: they are those of whoever runs this.
std::string text_of(const wire::Meta& meta) {
  auto out = std::to_string(meta.mode & 07777) + ' ' + std::to_string(meta.mtime_ns);
  for (const auto& pair : meta.xattrs) out += ' ' + pair.name + '=' + hex_of(pair.value);
  return out;
}

std::string text_of(const wire::EntryInfo& entry) {
  return quoted(entry.name) + " type " + std::to_string(static_cast<int>(entry.type)) + " mode " +
         std::to_string(entry.mode & 07777) + " size " + std::to_string(entry.size_bytes) + " mtime " +
         std::to_string(entry.mtime_ns) + (entry.link_target.empty() ? "" : " -> " + entry.link_target) +
         yes_no("edited", entry.edited);
}

std::string numbers(std::initializer_list<std::uint64_t> values) {
  std::string out;
  for (const auto value : values) out += ' ' + std::to_string(value);
  return out;
}

std::string text_of(const wire::Open& open) {
  auto out = std::string("open ") + (open.direction == wire::Direction::push ? "push " : "pull ") +
             quoted(open.share) + ' ' + quoted(open.path) + numbers({open.flags});
  for (const auto& entry : open.entries) out += ' ' + quoted(entry);
  if (!open.pull) return out;
  out += numbers({open.pull->flags});
  for (const auto& one : open.pull->others) out += " and " + quoted(one.path);
  return out;
}

std::string text_of(const wire::ManifestReply& reply) {
  Bytes chunks;
  ByteWriter out(chunks);
  for (std::size_t i = 0; i < reply.lengths.size(); ++i) {
    out.u32(reply.lengths[i]);
    out.u32(reply.repeats[i]);
    out.bytes(ByteView(reply.ids[i].bytes).first(hash::short_id_bytes));
  }
  return "manifest " + quoted(reply.path) + numbers({reply.size_bytes, reply.content}) + ' ' + hex_of(chunks);
}

std::string text_of(const wire::Summary& summary) {
  return "summary" +
         numbers({summary.files_total, summary.files_changed, summary.files_deleted, summary.files_renamed,
                  summary.bytes_total, summary.bytes_changed, summary.errors, summary.exit_code}) +
         yes_no("in step", summary.in_step) + yes_no("limited", summary.delete_limit_reached);
}

template <class M, class... Others>
inline constexpr bool is_one_of = (std::is_same_v<M, Others> || ...);

}  // namespace

template <class M>
void Transcript::note(const M& message) {
  using namespace wire;
  if constexpr (is_one_of<M, Open, ManifestReply, Summary>) {
    line(text_of(message));
  } else if constexpr (std::is_same_v<M, Opened>) {
    line("opened version" + numbers({message.version}) + ' ' + quoted(message.entry));
  } else if constexpr (std::is_same_v<M, Hello>) {
    line("hello version" + numbers({message.version}) + ' ' + hex_of(message.replica_id));
  } else if constexpr (std::is_same_v<M, Begin>) {
    line("begin" + numbers({message.attributes, message.flags}) + ' ' + quoted(message.backup_dir));
  } else if constexpr (std::is_same_v<M, Roots>) {
    line("roots " + digest(message.root) + yes_no("agreed", message.agreed.has_value()) +
         yes_no("in step", message.in_step));
  } else if constexpr (std::is_same_v<M, Owners>) {
    line("owners" + numbers({message.users.size(), message.groups.size()}));
  } else if constexpr (std::is_same_v<M, OwnerIds>) {
    auto text = std::string("owner ids");
    for (const auto user : message.users) text += numbers({user});
    for (const auto& group : message.groups) text += numbers({group.id}) + yes_no("settable", group.settable);
    line(text);
  } else if constexpr (std::is_same_v<M, Listing>) {
    const auto dir = "listed " + quoted(message.dir) + yes_no("partial", message.partial);
    if (!lines_.contains(dir)) line(dir);
    for (const auto& entry : message.entries)
      line(dir + ": " + text_of(entry) +
           (entry.type == fs::FileType::directory ? ' ' + digest(entry.tree) : ""));
    for (const auto& name : message.gone) line(dir + ": gone " + quoted(name));
    for (const auto& name : message.unknown) line(dir + ": unknown " + quoted(name));
  } else if constexpr (std::is_same_v<M, ListEnd>) {
    line("list end");
  } else if constexpr (std::is_same_v<M, Partials>) {
    for (std::size_t i = 0; i < message.lengths.size(); ++i)
      line("partial" + numbers({message.number, message.lengths[i], message.offsets[i]}) + ' ' +
           hex_of(ByteView(message.ids[i].bytes).first(hash::short_id_bytes)));
  } else if constexpr (std::is_same_v<M, GapSums>) {
    line("sums" + numbers({message.file, message.gap, message.round}) + ' ' + hex_of(message.sums));
  } else if constexpr (std::is_same_v<M, ChunkRequest>) {
    line("request" + numbers({message.file, message.new_offset, message.length_bytes}));
  } else if constexpr (std::is_same_v<M, Ack>) {
    while (acked_token_ < message.token) line("ack" + numbers({++acked_token_}));
  } else if constexpr (std::is_same_v<M, Failure>) {
    line("failure " + quoted(message.path) + ' ' + code_of(message.code, message.syncline_code) +
         yes_no("again", message.retry));
  } else if constexpr (std::is_same_v<M, Finish>) {
    line("finish " + digest(message.root) + yes_no("agree", message.agree) +
         yes_no("unanswered", message.unanswered));
  } else if constexpr (std::is_same_v<M, Finished>) {
    line("finished " + digest(message.root) + yes_no("agreed", message.agreed));
  } else if constexpr (std::is_same_v<M, Fatal>) {
    line("fatal " + code_of(message.code, message.syncline_code));
  } else if constexpr (std::is_same_v<M, Pair>) {
    line("pair " + hex_of(message.proof));
  } else if constexpr (std::is_same_v<M, Paired>) {
    line("paired " + hex_of(message.proof) + ' ' + quoted(message.share) + numbers({message.right}));
  }
}

void Transcript::add(const wire::Message& message) {
  std::visit([this](const auto& one) { note(one); }, message);
}

std::string missing_lines(const std::multiset<std::string>& expected,
                          const std::multiset<std::string>& found) {
  std::vector<std::string> missing;
  std::ranges::set_difference(expected, found, std::back_inserter(missing));
  std::string out;
  for (const auto& one : missing) out += one + '\n';
  return out;
}

void SentTree::rename(const std::string& from, const std::string& to) {
  std::map<std::string, Entry> moved;
  std::erase_if(entries_, [&](auto& entry) {
    const bool inside = entry.first == from || entry.first.starts_with(from + '/');
    if (inside) moved[to + entry.first.substr(from.size())] = std::move(entry.second);
    return inside;
  });
  entries_.merge(moved);
}

void SentTree::apply(const wire::Op& op) {
  using namespace wire;
  if (const auto* dir = std::get_if<MakeDir>(&op)) {
    entries_[dir->path] = {"directory", ""};
  } else if (const auto* link = std::get_if<MakeSymlink>(&op)) {
    entries_[link->path] = {"-> " + link->target, text_of(link->meta)};
  } else if (const auto* node = std::get_if<MakeNode>(&op)) {
    entries_[node->path] = {"type " + std::to_string(static_cast<int>(node->type)), text_of(node->meta)};
  } else if (const auto* hard = std::get_if<MakeLink>(&op)) {
    entries_[hard->path] = entries_[hard->existing];
  } else if (const auto* file = std::get_if<WriteFile>(&op)) {
    entries_[file->path] = {"root " + hex_of(file->root), text_of(file->meta)};
  } else if (const auto* meta = std::get_if<SetMeta>(&op)) {
    entries_[meta->path].meta = text_of(meta->meta);
  } else if (const auto* move = std::get_if<Rename>(&op)) {
    rename(move->from, move->to);
  } else if (const auto* remove = std::get_if<Remove>(&op)) {
    entries_.erase(remove->path);
  }
}

void SentTree::add(const wire::Message& message) {
  if (const auto* batch = std::get_if<wire::Batch>(&message))
    for (const auto& op : batch->ops) apply(op);
  if (const auto* begin = std::get_if<wire::FileBegin>(&message)) files_[begin->file] = begin->path;
  const auto* end = std::get_if<wire::FileEnd>(&message);
  if (end == nullptr || end->aborted) return;
  entries_[files_[end->file]] = {"root " + hex_of(ByteView(end->root.bytes).first(hash::short_id_bytes)),
                                 text_of(end->meta)};
}

std::multiset<std::string> SentTree::lines() const {
  std::multiset<std::string> out;
  for (const auto& [path, entry] : entries_)
    out.insert(quoted(path) + ' ' + entry.content + ' ' + entry.meta);
  return out;
}

}  // namespace syncline::test
