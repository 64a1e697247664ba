/**
 * The fixed numbers and words of the session protocol.
 *
 *      0    4              36      40       48        56     64         80        112      116      120
 *     +----+--------------+-------+--------+---------+------+----------+---------+--------+--------+---------
 *     | HL | message type | schema| created| sequence| flags| message  | SHA-256 | payload| payload| payload
 *     |    | (padded)     | (1)   | (ms)   | number  |      | id (UUID)|         | type   | length |
 *     +----+--------------+-------+--------+---------+------+----------+---------+--------+--------+---------
 *
 *     agent → client   output_stream_data HandshakeRequest
 *     client → agent   acknowledge · input_stream_data HandshakeResponse
 *     agent → client   acknowledge · (EncChallengeRequest, answered) · HandshakeComplete
 *     both ways        Output …, each acknowledged
 *     client → agent   Flag TerminateSession
 *     agent → client   channel_closed
 */

// ── the header ──────────────────────────────────────────────────────────────────────────────────────────────────

export const HEADER_BYTES = 116 // the value of HeaderLength: it does not count the payload length
export const PAYLOAD_OFFSET = 120 // HEADER_BYTES and the 4 bytes of the payload length
export const SCHEMA_VERSION = 1

export const AT_MESSAGE_TYPE = 4 // 32 characters, padded with spaces or NULs
export const MESSAGE_TYPE_BYTES = 32
export const AT_SCHEMA_VERSION = 36
export const AT_CREATED_DATE = 40
export const AT_SEQUENCE = 48
export const AT_FLAGS = 56
export const AT_MESSAGE_ID = 64
export const AT_DIGEST = 80 // SHA-256 of the payload
export const AT_PAYLOAD_TYPE = 112

export const FLAG_SYN = 1 // the agent's first stream message
export const FLAG_FIN = 2 // with SYN on acknowledgements; never on stream data

/** The messages that the protocol knows; others are ignored. */
export type MessageType =
  | 'output_stream_data' // agent to client, numbered
  | 'input_stream_data' // client to agent, numbered
  | 'acknowledge' // {"AcknowledgedMessageSequenceNumber":n,…}
  | 'channel_closed' // {"Output":"why",…}
  | 'start_publication' // go on sending
  | 'pause_publication' // the peer's WebSocket is gone
  | 'agent_session_state' // {"SessionState":"Connected",…}, the agent's first

// ── payloads of stream messages ─────────────────────────────────────────────────────────────────────────────────

export const PAYLOAD_OUTPUT = 1 // bytes of the terminal, of the far end, or typed
export const PAYLOAD_SIZE = 3 // {"cols":80,"rows":24}
export const PAYLOAD_HANDSHAKE_REQUEST = 5 // {"AgentVersion":…,"RequestedClientActions":[…]}
export const PAYLOAD_HANDSHAKE_RESPONSE = 6 // {"ClientVersion":…,"ProcessedClientActions":[…],"Errors":null}
export const PAYLOAD_HANDSHAKE_COMPLETE = 7 // {"HandshakeTimeToComplete":ns,"CustomerMessage":…}
export const PAYLOAD_CHALLENGE_REQUEST = 8 // {"Challenge":base64}
export const PAYLOAD_CHALLENGE_RESPONSE = 9 // {"Challenge":base64}
export const PAYLOAD_FLAG = 10 // a big-endian uint32 of the three below
export const PAYLOAD_STDERR = 11 // bytes of the command's standard error
export const PAYLOAD_EXIT_CODE = 12 // the text "EXIT_CODE: 7"

export const SESSION_FLAG_DISCONNECT_TO_PORT = 1 // the local connection of a single-stream session is gone
export const SESSION_FLAG_TERMINATE_SESSION = 2 // the client is done
export const SESSION_FLAG_CONNECT_TO_PORT_ERROR = 3 // the agent could not dial; names no stream

// ── the handshake ───────────────────────────────────────────────────────────────────────────────────────────────

/** Above every gate of the agent: multiplexing (1.1.70), separate stderr (1.2.312.0), no smux keep-alive (1.2.331.0). */
export const CLIENT_VERSION = '1.2.764.0'

export const ACTION_SESSION_TYPE = 'SessionType'
export const ACTION_KMS_ENCRYPTION = 'KMSEncryption'

export const ACTION_SUCCEEDED = 1
export const ACTION_FAILED = 2
export const ACTION_UNSUPPORTED = 3

export const SESSION_TYPE_PORT = 'Port'
export const SESSION_TYPE_SHELL = 'Standard_Stream'
export const SESSION_TYPE_INTERACTIVE_COMMAND = 'InteractiveCommands'
export const SESSION_TYPE_COMMAND = 'NonInteractiveCommands'

/** The `type` of a port session whose connections are multiplexed; any other is one raw stream. */
export const PORT_TYPE_LOCAL_FORWARDING = 'LocalPortForwarding'

/** Encryption context of the data key. */
export const KMS_CONTEXT_SESSION_ID = 'aws:ssm:SessionId'
export const KMS_CONTEXT_TARGET_ID = 'aws:ssm:TargetId'
/** Half of it encrypts each direction. */
export const DATA_KEY_BYTES = 64
