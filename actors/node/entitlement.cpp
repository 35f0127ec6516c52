#include "actors/node/entitlement.hpp"

#include "actors/node/json_text.hpp"

#include <algorithm>

namespace holdfast::node {

namespace {

using std::chrono::sys_seconds;

constexpr std::size_t longest_document = std::size_t{64} << 10;
constexpr std::size_t longest_base64 = (longest_document + 2) / 3 * 4;
constexpr std::size_t longest_name = 255;

bool is_name(const rapidjson::Value& value) {
  return value.IsString() && value.GetStringLength() >= 1 && value.GetStringLength() <= longest_name;
}

/// Empty, or what is wrong.
std::string read_names(const rapidjson::Document& doc, const char* key, std::vector<std::string>& out) {
  const auto at = doc.FindMember(key);
  const bool list = at != doc.MemberEnd() && at->value.IsArray();
  if (!list || !std::all_of(at->value.Begin(), at->value.End(), is_name))
    return std::string(key) + " must be a list of texts of 1 to " + std::to_string(longest_name) + " bytes";
  for (const auto& item : at->value.GetArray())
    out.emplace_back(item.GetString(), item.GetStringLength());
  return {};
}

std::optional<sys_seconds> parse_utc(std::string_view text) {
  constexpr std::string_view shape = "0000-00-00T00:00:00Z";
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto fits = [&](char c, char wanted) { return wanted == '0' ? is_digit(c) : c == wanted; };
  if (text.size() != shape.size() || !std::equal(text.begin(), text.end(), shape.begin(), fits))
    return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t digits) {
    int out = 0;
    for (const char c : text.substr(at, digits))
      out = out * 10 + (c - '0');
    return out;
  };
  using namespace std::chrono;
  const year_month_day date{year{number(0, 4)}, month{static_cast<unsigned>(number(5, 2))},
                            day{static_cast<unsigned>(number(8, 2))}};
  if (!date.ok() || number(11, 2) > 23 || number(14, 2) > 59 || number(17, 2) > 59)
    return std::nullopt;
  return sys_days{date} + hours{number(11, 2)} + minutes{number(14, 2)} + seconds{number(17, 2)};
}

/// Empty, or what is wrong.
std::string read_date(const rapidjson::Document& doc, const char* key, std::optional<expiry_date>& out) {
  const auto at = doc.FindMember(key);
  if (at == doc.MemberEnd() || at->value.IsNull())
    return {};
  const auto text = text_at(doc, key);
  if (at->value.IsString() && text.empty())
    return {};
  const auto when = parse_utc(text);
  if (!when)
    return std::string(key) + " must be a date such as 2027-01-31T00:00:00Z";
  out = expiry_date{*when, text};
  return {};
}

/// The sealed form inside the profile: the document's bytes and the signature's.
std::string read_sealed(const rapidjson::Document& profile, std::string& document, std::string& signature) {
  const auto params = profile.FindMember("Params");
  const std::string name(entitlement_param);
  const bool map = params != profile.MemberEnd() && params->value.IsObject();
  const auto* sealed = map && params->value.HasMember(name.c_str()) ? &params->value[name.c_str()] : nullptr;
  if (sealed == nullptr || !sealed->IsObject())
    return "the profile has no param " + name + " with a Document and its Signature";
  const auto text = text_at(*sealed, "Document");
  const auto bytes = text.size() <= longest_base64 ? net::from_base64(text) : std::nullopt;
  if (!bytes || bytes->empty() || bytes->size() > longest_document)
    return "Document is not base64 of a document of at most 64 KiB, on one line";
  const auto proof = net::from_base64(text_at(*sealed, "Signature"));
  if (!proof || proof->empty())
    return "Signature is not base64, on one line";
  document = *bytes;
  signature = *proof;
  return {};
}

bool names(const std::vector<std::string>& list, std::string_view wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

std::string remedy(const growth& wanted) {
  auto out = "Have an entitlement issued that names the feature " + std::string(ha_feature);
  if (!wanted.ha_id.empty())
    out += ", HaID " + wanted.ha_id;
  for (const auto& one : wanted.servers)
    out += ", endpoint " + one.id;
  return out + "; install it on node " + wanted.judge +
         " (holdfast contents upload FILE), then repeat the command";
}

/// Every reason why the cluster may not be what is wanted, without the remedy.
std::vector<std::string> shortcomings(const entitlement_reading& have, const growth& wanted,
                                      sys_seconds now) {
  if (!have.document && have.trouble.empty())
    return {"No entitlement is installed on node " + wanted.judge +
            ", which asks for one (--entitlement-key)"};
  if (!have.document)
    return {"The entitlement installed on node " + wanted.judge + " is of no use: " + have.trouble};
  const auto& document = *have.document;
  std::vector<std::string> out;
  if (!names(document.features, ha_feature)) // PRE-09
    out.push_back("The entitlement does not name the feature " + std::string(ha_feature));
  if (!wanted.ha_id.empty() && document.ha_id != wanted.ha_id) // PRE-10
    out.push_back("The entitlement does not name HaID " + wanted.ha_id + " but " + document.ha_id);
  for (const auto& one : wanted.servers) {
    if (!names(document.endpoints, one.id))
      out.push_back("The entitlement does not name endpoint " + (one.id.empty() ? "(none told)" : one.id) +
                    (one.address.empty() ? std::string() : " (the node at " + one.address + ")"));
  }
  if (document.hard_expires && document.hard_expires->at <= now) // LIC-07
    out.push_back("The entitlement ran out at " + document.hard_expires->text +
                  ": what runs goes on, but the cluster does not grow");
  return out;
}

} // namespace

std::variant<entitlement, std::string> parse_entitlement(std::string_view document) {
  entitlement out;
  rapidjson::Document doc;
  if (document.size() > longest_document || !parse_object(document, doc))
    return "it is not a JSON object of at most 64 KiB";
  const auto ha_id = doc.FindMember("HaID");
  if (ha_id == doc.MemberEnd() || !is_name(ha_id->value))
    return "HaID must be a text of 1 to " + std::to_string(longest_name) + " bytes";
  out.ha_id = text_at(doc, "HaID");
  auto why = read_names(doc, "Features", out.features);
  if (why.empty())
    why = read_names(doc, "Endpoints", out.endpoints);
  if (why.empty())
    why = read_date(doc, "SoftExpireDate", out.soft_expires);
  if (why.empty())
    why = read_date(doc, "HardExpireDate", out.hard_expires);
  if (!why.empty())
    return why;
  return out;
}

entitlement_reading read_entitlement(std::optional<std::string_view> profile_json,
                                     const net::public_key& issuer) {
  entitlement_reading out;
  if (!profile_json)
    return out;
  rapidjson::Document profile;
  std::string document;
  std::string signature;
  if (!parse_object(*profile_json, profile))
    out.trouble = "the profile is not a JSON object of at most 1 MiB";
  else
    out.trouble = read_sealed(profile, document, signature);
  if (!out.trouble.empty())
    return out;
  if (!issuer.signed_this(document, signature)) {
    out.trouble = "its signature is not one by the key of --entitlement-key over this very document";
    return out;
  }
  auto parsed = parse_entitlement(document);
  if (const auto* why = std::get_if<std::string>(&parsed))
    out.trouble = "its document is signed, but " + *why;
  else
    out.document = std::move(std::get<entitlement>(parsed));
  return out;
}

std::vector<std::string> refuse_growth(const entitlement_reading& have, const growth& wanted,
                                       std::chrono::sys_seconds now) {
  auto out = shortcomings(have, wanted, now);
  if (!out.empty())
    out.push_back(remedy(wanted));
  return out;
}

msg::license_facts license_of(const entitlement_reading& have, const growth& present,
                              std::chrono::sys_seconds now) {
  msg::license_facts out;
  for (const auto& text : shortcomings(have, present, now))
    out.reason += (out.reason.empty() ? "" : "; ") + text;
  out.valid = out.reason.empty();
  if (!have.document)
    return out;
  const auto& document = *have.document;
  out.features = document.features;
  out.endpoints = document.endpoints;
  out.ha_id = document.ha_id;
  out.active = true;
  if (const auto& soft = document.soft_expires) {
    out.soft_expires = soft->text;
    out.expired = soft->at <= now;
    if (out.expired)
      out.warning =
          "The entitlement's term ended at " + soft->text + ": have a new one issued and install it";
  }
  if (const auto& hard = document.hard_expires) {
    out.hard_expires = hard->text;
    out.active = hard->at > now;
    if (!out.active)
      out.warning = "The entitlement ran out at " + hard->text +
                    ": what runs goes on, but no node can be added; have a new one issued and install it";
  }
  return out;
}

} // namespace holdfast::node
