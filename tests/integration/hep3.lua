-- hep3.lua — lets tshark read HEP version 3 on UDP port 9060: HEP3 network protocol specification, rev. 32, §2.
-- Its payload goes to tshark's own dissector of SIP, or of JSON, so that both layers are judged by a program of others.

local hep = Proto("hep3", "Homer Encapsulation Protocol 3")
local fields = {
  [1] = ProtoField.uint8("hep3.family", "IP family"),
  [2] = ProtoField.uint8("hep3.protocol", "IP protocol"),
  [3] = ProtoField.ipv4("hep3.src", "Source"),
  [4] = ProtoField.ipv4("hep3.dst", "Destination"),
  [5] = ProtoField.ipv6("hep3.src6", "Source"),
  [6] = ProtoField.ipv6("hep3.dst6", "Destination"),
  [7] = ProtoField.uint16("hep3.srcport", "Source port"),
  [8] = ProtoField.uint16("hep3.dstport", "Destination port"),
  [9] = ProtoField.uint32("hep3.seconds", "Seconds"),
  [10] = ProtoField.uint32("hep3.microseconds", "Microseconds"),
  [11] = ProtoField.uint8("hep3.type", "Type of the payload"),
  [12] = ProtoField.uint32("hep3.capture_id", "Capture id"),
  [15] = ProtoField.bytes("hep3.payload", "Payload"),
  [17] = ProtoField.string("hep3.correlation_id", "Correlation id"),
  [19] = ProtoField.string("hep3.node", "Node"),
  [32] = ProtoField.uint16("hep3.mos", "MOS times 100"),
}
for _, field in pairs(fields) do table.insert(hep.fields, field) end

function hep.dissector(buffer, packet, tree)
  if buffer:len() < 6 or buffer(0, 4):string() ~= "HEP3" or buffer(4, 2):uint() ~= buffer:len() then return 0 end
  local branch = tree:add(hep, buffer())
  local at, dissector = 6, "sip"
  while at + 6 <= buffer:len() do
    local kind, length = buffer(at + 2, 2):uint(), buffer(at + 4, 2):uint()
    if length < 6 or at + length > buffer:len() then return 0 end
    local value = buffer(at + 6, length - 6)
    if fields[kind] then branch:add(fields[kind], value) end
    if kind == 11 and value:uint() ~= 1 then dissector = "json" end
    if kind == 15 then Dissector.get(dissector):call(value:tvb(), packet, tree) end
    at = at + length
  end
  return buffer:len()
end

DissectorTable.get("udp.port"):add(9060, hep)
