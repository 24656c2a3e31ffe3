// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ruleset.h"
#include "nft/connection.h"
#include "nft/handles.h"
#include "nft/request.h"

namespace sluice::nft {

// What a message of the batch is about, to name it should the kernel refuse it.
struct Subject {
  enum class Kind { kBatch, kTable, kChain, kRule, kSet };
  Kind kind;
  TableId table;
  std::string chain;
  std::optional<size_t> rule;  // its index in the request; absent for a flush or a removal
  std::string set = {};
};

// One element of a set of intervals, as the kernel keeps it: where an interval begins, or the first element
// behind one.
struct Border {
  std::array<uint8_t, 16> key;  // in network order
  bool end;
};

// nft's datatype of a set's elements; the kernel only keeps it.
uint32_t KeyType(SetType type);

// The messages of one transaction: the kernel applies all of them or none (nfnetlink_rcv_batch).
class Batch {
 public:
  Batch(Connection& connection, uint32_t generation);

  void AddTable(const Subject& subject);
  void DeleteTable(const Subject& subject);
  // A named set of intervals, without elements.
  void AddSet(const Subject& subject, SetType type);
  void DeleteSet(const Subject& subject);
  void AddElements(const Subject& subject, SetType type, const std::vector<Border>& borders);
  void DeleteElements(const Subject& subject, SetType type, const std::vector<Border>& borders);
  void FlushSet(const Subject& subject);
  void AddBaseChain(const Subject& subject, const BaseChain& chain);
  void AddChain(const Subject& subject);
  void DeleteChain(const Subject& subject);
  // Appends a rule, whose table and chain are set here.
  void AddRule(const Subject& subject, nftnl_rule* rule);
  // In front of the rule with this handle.
  void InsertRule(const Subject& subject, nftnl_rule* rule, uint64_t next);
  void DeleteRule(const Subject& subject, uint64_t handle);
  void FlushChain(const Subject& subject);

  bool empty() const { return count_ == 0; }
  uint32_t count() const { return count_; }
  size_t size() const { return bytes_.size(); }
  // From the sending of the batch to its acknowledgement.
  std::chrono::microseconds kernel_time() const { return kernel_time_; }
  // The messages so far, the beginning of the batch among them.
  std::string_view messages() const { return {bytes_.data(), used_}; }

  // Ends the batch and sends it. Nothing when the answer was lost: whether the kernel applied it is not known
  // then. An empty list: it did.
  std::optional<std::vector<Refusal>> Commit();
  // Sends it without its end: the kernel checks all of it, answers each message, and undoes it
  // (nfnetlink_rcv_batch). An empty list: it would have applied it.
  std::optional<std::vector<Refusal>> Rehearse();

  const Subject* SubjectOf(const Refusal& refusal) const;
  // The expression that the kernel pointed at, such as "match owner"; empty when it did not.
  std::string PartOf(const Refusal& refusal) const;

 private:
  void PutElements(uint16_t message, uint16_t flags, const Subject& subject, SetType type,
                   const std::vector<Border>& borders);
  nlmsghdr* Begin(uint16_t type, uint16_t flags, const Subject& subject);
  void End(nlmsghdr* header);
  std::optional<std::vector<Refusal>> Send();
  void AskForAnswer();
  void Boundary(uint16_t type, std::optional<uint32_t> generation);
  void Reserve();

  Connection& connection_;
  std::vector<char> bytes_;
  size_t used_ = 0;
  size_t last_ = 0;  // where the last message starts
  uint32_t count_ = 0;
  uint32_t first_sequence_ = 0;
  std::vector<Subject> subjects_;
  std::vector<size_t> starts_;
  std::chrono::microseconds kernel_time_{0};
};

}  // namespace sluice::nft
