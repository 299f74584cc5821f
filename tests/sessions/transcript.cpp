// SPDX-License-Identifier: Apache-2.0
#include "transcript.hpp"

#include <algorithm>
#include <iterator>

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
         yes_no("edited", entry.edited) + (entry.drifted ? " drifted" : "") +
         (entry.absent ? " absent" : "") +
         (entry.left_version != 0 ? " left beside " + std::to_string(entry.left_version) : "");
}

std::string numbers(std::initializer_list<std::uint64_t> values) {
  std::string out;
  for (const auto value : values) out += ' ' + std::to_string(value);
  return out;
}

/// What is one line. Messages that are left out, or come as several, are empty here.
struct Line {
  bool by_group = false;

  std::string digest(const hash::Digest& digest) const { return by_group ? "*" : digest.hex(); }

  template <class M>
  std::string operator()(const M&) const {
    return {};
  }
  std::string operator()(const wire::Open& open) const {
    auto out = std::string("open ") + (open.direction == wire::Direction::push ? "push " : "pull ") +
               quoted(open.share) + ' ' + quoted(open.path) + numbers({open.flags});
    for (const auto& entry : open.entries) out += ' ' + quoted(entry);
    if (!open.pull) return out;
    out += numbers({open.pull->flags});
    for (const auto& one : open.pull->others) out += " and " + quoted(one.path);
    return out;
  }
  std::string operator()(const wire::Opened& opened) const {
    return "opened version" + numbers({opened.version}) + ' ' + quoted(opened.entry);
  }
  std::string operator()(const wire::Hello& hello) const {
    return "hello version" + numbers({hello.version}) + ' ' + hex_of(hello.replica_id);
  }
  std::string operator()(const wire::Begin& begin) const {
    // The sender says this before it knows whether the other side does.
    const auto flags = begin.flags & ~std::uint32_t{wire::begin_drift};
    return "begin" + numbers({begin.attributes, flags}) + ' ' + quoted(begin.backup_dir);
  }
  std::string operator()(const wire::Roots& roots) const {
    return "roots " + digest(roots.root) + yes_no("agreed", roots.agreed.has_value()) +
           yes_no("in step", roots.in_step);
  }
  std::string operator()(const wire::Owners& owners) const {
    return "owners" + numbers({owners.users.size(), owners.groups.size()});
  }
  std::string operator()(const wire::OwnerIds& ids) const {
    std::string out = "owner ids";
    for (const auto user : ids.users) out += numbers({user});
    for (const auto& group : ids.groups) out += numbers({group.id}) + yes_no("settable", group.settable);
    return out;
  }
  std::string operator()(const wire::ListEnd&) const { return "list end"; }
  std::string operator()(const wire::ManifestReply& reply) const {
    Bytes chunks;
    ByteWriter out(chunks);
    for (std::size_t i = 0; i < reply.lengths.size(); ++i) {
      out.u32(reply.lengths[i]);
      out.u32(reply.repeats[i]);
      out.bytes(ByteView(reply.ids[i].bytes).first(hash::short_id_bytes));
    }
    return "manifest " + quoted(reply.path) + numbers({reply.size_bytes, reply.content}) + ' ' +
           hex_of(chunks);
  }
  std::string operator()(const wire::GapSums& sums) const {
    return "sums" + numbers({sums.file, sums.gap, sums.round}) + ' ' + hex_of(sums.sums);
  }
  std::string operator()(const wire::ChunkRequest& request) const {
    return "request" + numbers({request.file, request.new_offset, request.length_bytes});
  }
  std::string operator()(const wire::Failure& failure) const {
    return "failure " + quoted(failure.path) + ' ' + code_of(failure.code, failure.syncline_code) +
           yes_no("again", failure.retry);
  }
  std::string operator()(const wire::Left& left) const {
    std::string out = "left";
    for (const auto& one : left.entries) out += ' ' + quoted(one.path) + ' ' + std::to_string(one.version);
    return out + yes_no("all", left.all);
  }
  std::string operator()(const wire::Kept& kept) const {
    return "kept " + quoted(kept.path) + " as " + quoted(kept.kept_as);
  }
  std::string operator()(const wire::Finish& finish) const {
    return "finish " + digest(finish.root) + yes_no("agree", finish.agree) +
           yes_no("unanswered", finish.unanswered);
  }
  std::string operator()(const wire::Finished& finished) const {
    return "finished " + digest(finished.root) + yes_no("agreed", finished.agreed);
  }
  std::string operator()(const wire::Summary& summary) const {
    return "summary" +
           numbers({summary.files_total, summary.files_changed, summary.files_deleted, summary.files_renamed,
                    summary.bytes_total, summary.bytes_changed, summary.errors, summary.exit_code}) +
           yes_no("in step", summary.in_step) + yes_no("limited", summary.delete_limit_reached) +
           (summary.round ? " held" + numbers({summary.round->deletions_held, summary.round->changes_held})
                          : "");
  }
  std::string operator()(const wire::Fatal& fatal) const {
    return "fatal " + code_of(fatal.code, fatal.syncline_code);
  }
  std::string operator()(const wire::Pair& pair) const { return "pair " + hex_of(pair.proof); }
  std::string operator()(const wire::Paired& paired) const {
    return "paired " + hex_of(paired.proof) + ' ' + quoted(paired.share) + numbers({paired.right});
  }
};

}  // namespace

/// A directory may come in several messages.
void Transcript::note(const wire::Listing& listing) {
  const auto dir = "listed " + quoted(listing.dir) + yes_no("partial", listing.partial);
  if (!lines_.contains(dir)) lines_.insert(dir);
  for (const auto& entry : listing.entries) {
    const bool is_dir = entry.type == fs::FileType::directory;
    lines_.insert(dir + ": " + text_of(entry) + (is_dir ? ' ' + Line{by_group_}.digest(entry.tree) : ""));
  }
  for (const auto& name : listing.gone) lines_.insert(dir + ": gone " + quoted(name));
  for (const auto& name : listing.unknown) lines_.insert(dir + ": unknown " + quoted(name));
}

void Transcript::note(const wire::Partials& partials) {
  for (std::size_t i = 0; i < partials.lengths.size(); ++i)
    lines_.insert("partial" + numbers({partials.number, partials.lengths[i], partials.offsets[i]}) + ' ' +
                  hex_of(ByteView(partials.ids[i].bytes).first(hash::short_id_bytes)));
}

void Transcript::add(const wire::Message& message) {
  if (const auto* listing = std::get_if<wire::Listing>(&message)) note(*listing);
  if (const auto* partials = std::get_if<wire::Partials>(&message)) note(*partials);
  if (const auto* ack = std::get_if<wire::Ack>(&message))
    while (acked_token_ < ack->token) lines_.insert("ack" + numbers({++acked_token_}));
  auto line = std::visit(Line{by_group_}, message);
  if (!line.empty()) lines_.insert(std::move(line));
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
