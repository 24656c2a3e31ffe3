// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "core/exchange.h"
#include "core/json.h"

// The op "exchange" of docs/core.md: its request without "op" and "netns", and its reply.
namespace sluice {

// The deadline counts from now. Throws Error with code kInvalidRequest.
ExchangeRequest ReadExchange(const json::Object& request);

void WriteExchange(json::Writer& writer, const ExchangeResult& result);

// Parts that the op "probe" has, too.
Endpoint ReadEndpoint(const json::Value& value, const json::Place& place);
void WriteEndpoint(json::Writer& writer, const Endpoint& endpoint);
void WriteFailure(json::Writer& writer, const Failure& failure);

}  // namespace sluice
