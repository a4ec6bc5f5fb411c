// Subscribed before the first question, so that no change between answer and subscription is missed.
#include "vip/address_watch.hpp"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

namespace tandem::vip {

namespace {

constexpr std::size_t buffer_bytes = 32'768;  // the kernel's largest piece of an answer
constexpr int most_questions = 10;
constexpr int most_reads = 1'000;  // a call: a storm of changes must not stop the core loop

template <class T>
T at(const unsigned char* data) {
  T value;
  std::memcpy(&value, data, sizeof value);
  return value;
}

}  // namespace

Result<std::unique_ptr<AddressWatch>> AddressWatch::open(const std::vector<std::string>& addresses) {
  const auto failed = [](const std::string& what) {
    return Error{"the kernel does not tell which addresses this box has: " + what + " failed (" + std::strerror(errno) +
                 "); tandemd needs address family AF_NETLINK"};
  };
  const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (fd < 0) return failed("socket(AF_NETLINK)");
  std::unique_ptr<AddressWatch> watch(new AddressWatch(fd));
  for (const std::string& text : addresses) {
    Address address{AF_INET, {}};
    if (::inet_pton(AF_INET, text.c_str(), address.bytes.data()) != 1) {
      address.family = AF_INET6;
      if (::inet_pton(AF_INET6, text.c_str(), address.bytes.data()) != 1)
        return Error{"\"" + text + "\" is no IP address"};
    }
    watch->addresses_.push_back(address);
  }
  sockaddr_nl own{};
  own.nl_family = AF_NETLINK;
  own.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
  // sockaddr is C's way to say "any kind of address".
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0) return failed("bind(AF_NETLINK)");
  watch->ask_for_all();
  // Each recv() has the kernel write the next piece: one read() takes the whole answer, unless addresses just change.
  for (int i = 0; i < most_questions && !watch->known(); ++i) watch->read();
  if (!watch->known()) return failed("RTM_GETADDR");
  return watch;
}

AddressWatch::~AddressWatch() {
  ::close(fd_);
}

void AddressWatch::ask_for_all() {
  struct {
    nlmsghdr header;
    ifaddrmsg body;
  } question{};
  question.header.nlmsg_len = sizeof question;
  question.header.nlmsg_type = RTM_GETADDR;
  question.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  question.header.nlmsg_seq = ++sequence_;
  question.body.ifa_family = AF_UNSPEC;
  asked_ = ::send(fd_, &question, sizeof question, 0) == static_cast<ssize_t>(sizeof question);
  ask_again_ = !asked_;
  interrupted_ = false;
  fresh_.clear();
}

bool AddressWatch::read() {
  came_ = false;
  if (ask_again_) ask_for_all();
  alignas(nlmsghdr) unsigned char buffer[buffer_bytes];
  for (int i = 0; i < most_reads; ++i) {
    sockaddr_nl from{};
    socklen_t from_size = sizeof from;
    const ssize_t size = ::recvfrom(fd_, buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &from_size);
    if (size < 0) {
      if (errno == EINTR) continue;
      if (errno != ENOBUFS) break;
      ask_for_all();  // if an answer is still under way the kernel says EBUSY, and it is asked again
    } else if (from.nl_pid == 0) {
      take(buffer, static_cast<std::size_t>(size));
    }
  }
  return came_;
}

void AddressWatch::take(const unsigned char* data, std::size_t size) {
  while (size >= sizeof(nlmsghdr)) {
    const auto header = at<nlmsghdr>(data);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > size) return;
    const bool answer = (header.nlmsg_flags & NLM_F_MULTI) != 0 || header.nlmsg_type == NLMSG_ERROR;
    const bool old = answer && header.nlmsg_seq != sequence_;
    if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) interrupted_ = true;
    if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) {
      if (!old) take_end(header.nlmsg_type == NLMSG_DONE && !interrupted_);
    } else if (!old && (header.nlmsg_type == RTM_NEWADDR || header.nlmsg_type == RTM_DELADDR)) {
      take_address(header.nlmsg_type == RTM_NEWADDR, data + NLMSG_HDRLEN, header.nlmsg_len - NLMSG_HDRLEN);
    }
    const std::size_t whole = NLMSG_ALIGN(header.nlmsg_len);
    if (whole >= size) return;
    data += whole;
    size -= whole;
  }
}

void AddressWatch::take_end(bool usable) {
  if (!asked_) return;
  asked_ = false;
  ask_again_ = !usable;
  if (usable) held_.swap(fresh_);
  fresh_.clear();
}

void AddressWatch::take_address(bool added, const unsigned char* message, std::size_t size) {
  if (size < sizeof(ifaddrmsg)) return;
  const auto body = at<ifaddrmsg>(message);
  std::size_t offset = NLMSG_ALIGN(sizeof body);
  const unsigned char* found = nullptr;  // IFA_LOCAL is the own address if both are there (point to point)
  std::uint32_t flags = body.ifa_flags;
  const std::size_t address_bytes = body.ifa_family == AF_INET ? 4 : 16;
  while (offset + sizeof(rtattr) <= size) {
    const auto attribute = at<rtattr>(message + offset);
    if (attribute.rta_len < sizeof attribute || attribute.rta_len > size - offset) return;
    const unsigned char* const value = message + offset + RTA_LENGTH(0);
    const std::size_t value_bytes = attribute.rta_len - RTA_LENGTH(0);
    const bool own = attribute.rta_type == IFA_LOCAL || (attribute.rta_type == IFA_ADDRESS && found == nullptr);
    if (own && value_bytes == address_bytes) found = value;
    if (attribute.rta_type == IFA_FLAGS && value_bytes == sizeof flags) flags = at<std::uint32_t>(value);
    offset += RTA_ALIGN(attribute.rta_len);
  }
  if (found == nullptr) return;
  const bool here = added && (flags & IFA_F_DADFAILED) == 0;  // a duplicate elsewhere: the kernel does not use it
  for (std::size_t i = 0; i < addresses_.size(); ++i) {
    const Address& address = addresses_[i];
    if (address.family != body.ifa_family || std::memcmp(address.bytes.data(), found, address_bytes) != 0) continue;
    const std::pair<std::size_t, unsigned> place{i, body.ifa_index};
    if (here) {
      came_ = came_ || held_.empty();
      held_.insert(place);
      if (asked_) fresh_.insert(place);
    } else {
      held_.erase(place);
      fresh_.erase(place);
    }
  }
}

}  // namespace tandem::vip
