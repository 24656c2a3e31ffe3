// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <napi.h>
#include <sys/file.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "core/file_descriptor.h"
#include "core/namespace.h"
#include "core/sysctl.h"
#include "look/operations.h"
#include "node/door.h"
#include "node/task_runner.h"
#include "socket/connection_tracking.h"
#include "socket/exchange.h"
#include "socket/inet_address.h"
#include "socket/link.h"
#include "socket/network_namespace.h"
#include "socket/original_destination.h"
#include "socket/route.h"
#include "socket/tcp.h"

// The addon `socket`: libc and the kernel's headers only. src/proxy and src/testing are its callers; they
// check what comes in, this only makes sure that nothing malformed reaches the kernel. Its door is that of
// docs/core.md without a mode: what needs neither libnftnl nor libiptc must work where they are not.
namespace sluice {
namespace {

Error InvalidArgument(size_t index, const char* expected) {
  return Error(ErrorCode::kInvalidRequest, "argument " + std::to_string(index) + " must be " + expected);
}

int32_t IntegerArgument(const Napi::CallbackInfo& info, size_t index, int32_t lowest, int32_t highest) {
  if (!info[index].IsNumber()) throw InvalidArgument(index, "a number");
  const double value = info[index].As<Napi::Number>().DoubleValue();
  if (!(value >= lowest && value <= highest)) throw InvalidArgument(index, "in range");
  const auto integer = static_cast<int32_t>(value);
  if (integer != value) throw InvalidArgument(index, "an integer");
  return integer;
}

uint16_t PortArgument(const Napi::CallbackInfo& info, size_t index) {
  return static_cast<uint16_t>(IntegerArgument(info, index, 0, UINT16_MAX));
}

bool BooleanArgument(const Napi::CallbackInfo& info, size_t index) {
  if (!info[index].IsBoolean()) throw InvalidArgument(index, "a boolean");
  return info[index].As<Napi::Boolean>().Value();
}

std::string TextArgument(const Napi::CallbackInfo& info, size_t index) {
  if (!info[index].IsString()) throw InvalidArgument(index, "a string");
  std::string text = info[index].As<Napi::String>().Utf8Value();
  // The kernel's interfaces would stop reading there.
  if (text.find('\0') != std::string::npos) throw InvalidArgument(index, "free of zero bytes");
  return text;
}

// The empty string stands for none.
std::optional<InetAddress> OptionalAddressArgument(const Napi::CallbackInfo& info, size_t index) {
  const std::string text = TextArgument(info, index);
  return text.empty() ? std::nullopt : std::optional<InetAddress>(ParseInetAddress(text));
}

// A namespace that a call works in, as a descriptor of its own: the caller may close his while the call is
// under way.
class NamespaceHandle {
 public:
  NamespaceHandle(const Napi::CallbackInfo& info, size_t index)
      : descriptor_(fcntl(IntegerArgument(info, index, 0, INT32_MAX), F_DUPFD_CLOEXEC, 0)) {
    if (descriptor_.valid()) return;
    Error error = SystemCallError(errno, "fcntl", "cannot use the descriptor of the network namespace");
    error.code = ErrorCode::kNamespace;
    throw error;
  }

  int get() const { return descriptor_.get(); }

  template <typename Work>
  void Run(const Work& work) const {
    RunInNamespace("/proc/self/fd/" + std::to_string(descriptor_.get()), work);
  }

 private:
  FileDescriptor descriptor_;
};

// std::function copies what it holds.
std::shared_ptr<const NamespaceHandle> NamespaceArgument(const Napi::CallbackInfo& info, size_t index) {
  return std::make_shared<const NamespaceHandle>(info, index);
}

// A number from 0 to 4294967294, or undefined for none. The largest is no id: it stands for "unchanged" in
// setresuid(2).
std::optional<uint32_t> OptionalIdArgument(const Napi::CallbackInfo& info, size_t index) {
  if (info[index].IsUndefined()) return std::nullopt;
  if (!info[index].IsNumber()) throw InvalidArgument(index, "a number");
  const double value = info[index].As<Napi::Number>().DoubleValue();
  if (!(value >= 0 && value < UINT32_MAX)) throw InvalidArgument(index, "a user or group id");
  const auto id = static_cast<uint32_t>(value);
  if (id != value) throw InvalidArgument(index, "an integer");
  return id;
}

// (address, port) as two arguments
ConnectionEnd EndArgument(const Napi::CallbackInfo& info, size_t index) {
  return {ParseInetAddress(TextArgument(info, index)), PortArgument(info, index + 1)};
}

TaskRunner& Runner(Napi::Env env) { return *env.GetInstanceData<TaskRunner>(); }

// Where a proxy's every connection passes, so Node-API itself, and no object is made here: (descriptor,
// direct ones too) -> the address as text, with the port, the family, 4 or 6, and the socket's own port in
// the array `answer`; 0 when the connection was not redirected; otherwise the errno.
napi_value CallOriginalDestination(napi_env env, napi_callback_info info) {
  std::array<napi_value, 2> arguments{};
  size_t count = arguments.size();
  void* answer = nullptr;
  int32_t descriptor = -1;
  bool include_direct = false;
  napi_value value = nullptr;
  if (napi_get_cb_info(env, info, &count, arguments.data(), nullptr, &answer) != napi_ok ||
      napi_get_value_int32(env, arguments[0], &descriptor) != napi_ok ||
      napi_get_value_bool(env, arguments[1], &include_direct) != napi_ok) {
    napi_throw_type_error(env, nullptr, "originalDestination takes a descriptor and a boolean");
    return nullptr;
  }
  const OriginalDestinationResult result = OriginalDestination(descriptor, include_direct);
  if (!result.destination) {
    napi_create_int32(env, result.error_number, &value);
    return value;
  }
  auto* numbers = static_cast<uint32_t*>(answer);
  numbers[0] = result.destination->port;
  numbers[1] = result.destination->family == AF_INET ? 4 : 6;
  numbers[2] = result.local_port;
  const std::string_view address = result.destination->Address();
  napi_create_string_latin1(env, address.data(), address.size(), &value);
  return value;
}

// One array for each environment; the exports hold it.
void ExportOriginalDestination(Napi::Env env, Napi::Object exports) {
  Napi::Uint32Array answer = Napi::Uint32Array::New(env, 3);
  napi_value function = nullptr;
  const napi_status status = napi_create_function(env, "originalDestination", NAPI_AUTO_LENGTH,
                                                  CallOriginalDestination, answer.Data(), &function);
  if (status != napi_ok) throw Napi::Error::New(env);
  exports.Set("originalDestination", function);
  // Whoever keeps the function keeps the array that it writes to.
  Napi::Object(env, function).DefineProperty(Napi::PropertyDescriptor::Value("answer", answer));
}

// () -> promise of a descriptor, which stays the addon's: closeNamespace closes it, or the end of the
// environment
Napi::Value CallCreateNamespace(const Napi::CallbackInfo& info) {
  return Runner(info.Env()).Run(info.Env(), []() -> TaskOutcome {
    return KeptDescriptor{CreateNetworkNamespace()};
  });
}

// (namespace)
Napi::Value CallCloseNamespace(const Napi::CallbackInfo& info) {
  Runner(info.Env()).Close(IntegerArgument(info, 0, 0, INT32_MAX));
  return info.Env().Undefined();
}

// (descriptor) -> 0 or the errno: locks for this process alone, and does not wait
Napi::Value CallFlock(const Napi::CallbackInfo& info) {
  const bool locked = flock(IntegerArgument(info, 0, 0, INT32_MAX), LOCK_EX | LOCK_NB) == 0;
  return Napi::Number::New(info.Env(), locked ? 0 : errno);
}

// (namespace, name, peer namespace, peer name)
Napi::Value CallCreateVethPair(const Napi::CallbackInfo& info) {
  return Runner(info.Env())
      .Run(info.Env(),
           [here = NamespaceArgument(info, 0), name = TextArgument(info, 1),
            there = NamespaceArgument(info, 2), peer_name = TextArgument(info, 3)]() -> TaskOutcome {
             here->Run([&] { CreateVethPair(name, there->get(), peer_name); });
             return {};
           });
}

// (namespace, name)
Napi::Value CallCreateBridge(const Napi::CallbackInfo& info) {
  return Runner(info.Env())
      .Run(info.Env(), [here = NamespaceArgument(info, 0), name = TextArgument(info, 1)]() -> TaskOutcome {
        here->Run([&] { CreateBridge(name); });
        return {};
      });
}

// (namespace, interface, bridge)
Napi::Value CallAttachToBridge(const Napi::CallbackInfo& info) {
  return Runner(info.Env())
      .Run(info.Env(),
           [here = NamespaceArgument(info, 0), name = TextArgument(info, 1),
            bridge = TextArgument(info, 2)]() -> TaskOutcome {
             here->Run([&] { AttachToBridge(name, bridge); });
             return {};
           });
}

// (namespace, interface)
Napi::Value CallDeleteLink(const Napi::CallbackInfo& info) {
  return Runner(info.Env())
      .Run(info.Env(), [here = NamespaceArgument(info, 0), name = TextArgument(info, 1)]() -> TaskOutcome {
        here->Run([&] { DeleteLink(name); });
        return {};
      });
}

// (namespace, interface, address)
Napi::Value CallForgetNeighbour(const Napi::CallbackInfo& info) {
  return Runner(info.Env())
      .Run(info.Env(),
           [here = NamespaceArgument(info, 0), name = TextArgument(info, 1),
            address = ParseInetAddress(TextArgument(info, 2))]() -> TaskOutcome {
             here->Run([&] { ForgetNeighbour(name, address); });
             return {};
           });
}

// (namespace, interface)
Napi::Value CallSetLinkUp(const Napi::CallbackInfo& info) {
  return Runner(info.Env())
      .Run(info.Env(), [here = NamespaceArgument(info, 0), name = TextArgument(info, 1)]() -> TaskOutcome {
        here->Run([&] { SetLinkUp(name); });
        return {};
      });
}

// (namespace, interface, address, prefix length)
Napi::Value CallAddAddress(const Napi::CallbackInfo& info) {
  return Runner(info.Env())
      .Run(info.Env(),
           [here = NamespaceArgument(info, 0), name = TextArgument(info, 1),
            address = ParseInetAddress(TextArgument(info, 2)),
            prefix_length = IntegerArgument(info, 3, 0, 128)]() -> TaskOutcome {
             here->Run([&] { AddAddress(name, address, prefix_length); });
             return {};
           });
}

// (namespace, destination, prefix length, gateway or "", interface or "")
Napi::Value CallAddRoute(const Napi::CallbackInfo& info) {
  return Runner(info.Env())
      .Run(info.Env(),
           [here = NamespaceArgument(info, 0), destination = ParseInetAddress(TextArgument(info, 1)),
            prefix_length = IntegerArgument(info, 2, 0, 128), gateway = OptionalAddressArgument(info, 3),
            name = TextArgument(info, 4)]() -> TaskOutcome {
             here->Run([&] { AddRoute(destination, prefix_length, gateway, name); });
             return {};
           });
}

// (namespace, destination) -> promise of the name of the interface, "" when there is no route
Napi::Value CallRouteInterface(const Napi::CallbackInfo& info) {
  return Runner(info.Env())
      .Run(info.Env(),
           [here = NamespaceArgument(info, 0),
            destination = ParseInetAddress(TextArgument(info, 1))]() -> TaskOutcome {
             std::string name;
             here->Run([&] { name = RouteInterface(destination); });
             return name;
           });
}

// (namespace, source address, source port, destination address, destination port) -> promise of "", when it
// is not tracked, or of three times an address and a port, six words: original source, original destination,
// reply source
Napi::Value CallFindTrackedConnection(const Napi::CallbackInfo& info) {
  return Runner(info.Env())
      .Run(info.Env(),
           [here = NamespaceArgument(info, 0), source = EndArgument(info, 1),
            destination = EndArgument(info, 3)]() -> TaskOutcome {
             std::optional<TrackedConnection> found;
             here->Run([&] { found = FindTrackedConnection(source, destination); });
             if (!found) return std::string();
             std::string words;
             for (const ConnectionEnd& end : {found->original_source, found->original_destination,
                                              found->reply_source, found->reply_destination}) {
               if (!words.empty()) words += ' ';
               words += FormatInetAddress(end.address) + ' ' + std::to_string(end.port);
             }
             return words;
           });
}

// (namespace, name, value) -> promise of the previous value
Napi::Value CallWriteSysctl(const Napi::CallbackInfo& info) {
  return Runner(info.Env())
      .Run(info.Env(),
           [here = NamespaceArgument(info, 0), name = TextArgument(info, 1),
            value = TextArgument(info, 2)]() -> TaskOutcome {
             // Only net.* belongs to the namespace; anything else would be the machine's. No "..", which
             // would leave it.
             const bool safe = name.compare(0, 4, "net.") == 0 && name.find('/') == std::string::npos &&
                               name.find("..") == std::string::npos && name.back() != '.';
             if (!safe)
               throw Error(ErrorCode::kInvalidRequest, "\"" + name + "\" is not a setting below net.");
             std::string previous;
             here->Run([&] { previous = WriteSysctl(name, value); });
             return previous;
           });
}

// (namespace, address, port, IPv6 only, backlog) -> promise of a descriptor
Napi::Value CallListen(const Napi::CallbackInfo& info) {
  return Runner(info.Env())
      .Run(info.Env(),
           [here = NamespaceArgument(info, 0), address = ParseInetAddress(TextArgument(info, 1)),
            port = PortArgument(info, 2), ipv6_only = BooleanArgument(info, 3),
            backlog = IntegerArgument(info, 4, 0, INT32_MAX)]() -> TaskOutcome {
             FileDescriptor listener(-1);
             here->Run([&] { listener = ListenTcp(address, port, ipv6_only, backlog); });
             return listener;
           });
}

// (namespace, address, port, local address or "", local port, timeout in ms, uid or undefined, gid or
// undefined)
// -> promise of a descriptor
Napi::Value CallConnect(const Napi::CallbackInfo& info) {
  TaskRunner& runner = Runner(info.Env());
  TcpConnection connection;
  connection.address = ParseInetAddress(TextArgument(info, 1));
  connection.port = PortArgument(info, 2);
  connection.local_address = OptionalAddressArgument(info, 3);
  connection.local_port = PortArgument(info, 4);
  connection.timeout = std::chrono::milliseconds(IntegerArgument(info, 5, 0, INT32_MAX));
  connection.uid = OptionalIdArgument(info, 6);
  connection.gid = OptionalIdArgument(info, 7);
  connection.cancel_descriptor = runner.cancel_descriptor();
  return runner.Run(info.Env(), [here = NamespaceArgument(info, 0), connection]() -> TaskOutcome {
    FileDescriptor connected(-1);
    here->Run([&] { connected = ConnectTcp(connection); });
    return connected;
  });
}

using Call = Napi::Value (*)(const Napi::CallbackInfo& info);

template <Call call>
Napi::Value Translated(const Napi::CallbackInfo& info) {
  try {
    return call(info);
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception&) {
    throw MakeError(info.Env(), std::current_exception());
  }
}

template <Call call>
Napi::Value Guarded(const Napi::CallbackInfo& info) {
  try {
    return Translated<call>(info);
  } catch (const Napi::Error& error) {
    try {
      error.ThrowAsJavaScriptException();
    } catch (const Napi::Error&) {
      // A worker that is being terminated takes no exceptions, and nobody is left to hear of one.
    }
    return Napi::Value();
  }
}

Napi::Object Initialise(Napi::Env env, Napi::Object exports) {
  Backends backends;
  backends.exchange = Exchange;
  backends.operations = look::kOperations;
  node::ExportDoor(env, exports, backends);
  ExportOriginalDestination(env, exports);
  exports.Set("createNamespace", Napi::Function::New<Guarded<CallCreateNamespace>>(env));
  exports.Set("closeNamespace", Napi::Function::New<Guarded<CallCloseNamespace>>(env));
  exports.Set("flock", Napi::Function::New<Guarded<CallFlock>>(env));
  exports.Set("createVethPair", Napi::Function::New<Guarded<CallCreateVethPair>>(env));
  exports.Set("createBridge", Napi::Function::New<Guarded<CallCreateBridge>>(env));
  exports.Set("attachToBridge", Napi::Function::New<Guarded<CallAttachToBridge>>(env));
  exports.Set("deleteLink", Napi::Function::New<Guarded<CallDeleteLink>>(env));
  exports.Set("forgetNeighbour", Napi::Function::New<Guarded<CallForgetNeighbour>>(env));
  exports.Set("setLinkUp", Napi::Function::New<Guarded<CallSetLinkUp>>(env));
  exports.Set("addAddress", Napi::Function::New<Guarded<CallAddAddress>>(env));
  exports.Set("addRoute", Napi::Function::New<Guarded<CallAddRoute>>(env));
  exports.Set("routeInterface", Napi::Function::New<Guarded<CallRouteInterface>>(env));
  exports.Set("findTrackedConnection", Napi::Function::New<Guarded<CallFindTrackedConnection>>(env));
  exports.Set("writeSysctl", Napi::Function::New<Guarded<CallWriteSysctl>>(env));
  exports.Set("listen", Napi::Function::New<Guarded<CallListen>>(env));
  exports.Set("connect", Napi::Function::New<Guarded<CallConnect>>(env));
  return exports;
}

Napi::Object Register(Napi::Env env, Napi::Object exports) {
  try {
    return Initialise(env, exports);
  } catch (const Error&) {
    throw MakeError(env, std::current_exception());
  }
}

NODE_API_MODULE(socket, Register)

}  // namespace
}  // namespace sluice
