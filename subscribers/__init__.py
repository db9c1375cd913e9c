"""The people: who reads us, what they asked for, the proof of their consent, and whom we must not mail.

Functions are handed an open session, the time (`now`, aware UTC), the secrets and the newest release number; they never
commit. All of them may be repeated, and raced by another process, without a second effect. Mails that are owed come
back as `OwedMail`; the caller writes them with `digest.delivery.outbox.enqueue` in the same transaction. A person is
named by `public_id` (the subject of a token), a request by its own `public_id`.

Pure
    addresses     canonical(text) -> Address(address, key) · masked(address) -> str · readable(address) -> str
    keys          derive(secret, purpose) -> bytes · key_id(secret) -> int · shared_ids(secrets) · weakness(secret)
    tokens        Signer(keys=SigningKeys(current, old, unsubscribe)) .sign(purpose, subject, *, version, expires_at,
                  is_test) -> str · .read(purpose, text, *, now) -> Claims · LIFETIMES · NO_SUBJECT · trimmed(text)
    hashing       AddressHasher(secret) .hash(address_key) -> str · .check_value() · AddressHasher.derived(secret)
    networks      coarse(ip) -> str: IPv4 /24, IPv6 /48, "" for what is no address
    choices       Choices(topics, own, cadence, weekday, local_time, timezone, locale) · OwnTopic(query, typed, name,
                  article)
    owed          OwedMail(kind, address, subscriber_id, locale, data, expires_at)

The reader's way
    wording       ensure(session, *, language, text, now) -> int · find(session, name) -> int | None
    signup        sign_up(session, requests: Sequence[SignUp], *, now, hasher) -> list[ConfirmationRequested | None]
                  SignUp(address, choices, origin, article) · Origin(source, page, network, wording_id)
    confirmation  look(session, request_id, *, now) -> PendingRequest | None
                  confirm(session, request_id, *, now, release_no, hasher, network, evidence, is_welcomed) -> Confirmed
                  cancel(session, request_id, *, now, hasher) -> Cancelled
    preferences   load(session, public_id, *, now, add=None) -> Preferences | None
                  save(session, public_id, changes: Changes, *, now, release_no) -> Saved; raises RefusedError
                  follow_again(session, public_id, slug, *, now) -> bool
    pause         pause(session, public_id, *, until) -> bool · resume(session, public_id) -> bool
                  resume_due(session, *, now) -> int
    mutes         mute(session, public_id, wish: MuteWish, *, now) -> bool · unmute(session, public_id, kind, value) -> bool
                  mute_topic(session, public_id, slug, *, until) -> bool
                  drop_topic(session, public_id, slug, *, now) -> bool
                  active(session, subscriber_ids, *, now) -> dict[int, list[ActiveMute]]
    unsubscribe   unsubscribe(session, public_id, *, now, source, is_farewelled) -> Left
                  undo(session, public_id, *, now, hasher) -> Undone · record_reason(session, reason, *, now)
    manage        request_links(session, addresses, *, now, hasher) -> list[OwedMail | None]
                  request_own_link(session, public_id, *, now, hasher) -> OwedMail | None
                  resubscribe(session, public_id, *, now, release_no, hasher) -> OwedMail | None
                  invalidate_links(session, public_id) -> bool · renew_feed(session, public_id) -> bool
    moving        request_change(session, public_id, address, *, now, hasher, origin) -> OwedMail | None
    privacy       export(session, public_id, *, hasher) -> dict | None
                  erase(session, public_id, *, now, hasher, source, withdraw) -> Erased | None
                  erase_address(session, address, *, now, hasher, source, withdraw) -> Erased
                  withdraw(subscriber_id | None, address) is the caller's: it lets go of the deliveries

The operator's way
    register      find(session, address) -> Subscriber | None · by_public_id(session, public_id) -> Subscriber | None
                  show(session, person, *, hasher) -> dict · page(session, *, state, after, limit) -> list[dict]
    admission     judge(session, people, *, hasher) -> list[Admission]
                  add(session, people: Sequence[Newcomer], *, note, now, release_no, hasher, kind) -> list[Admission]
    importing     Reader(topics, languages, defaults, now).batches(lines) -> Iterator[Batch(people, problems)]
    suppression   suppress(session, address_keys, reason, *, now, hasher, note) -> int
                  lift(session, address_key, *, hasher) -> bool
                  reasons(session, address_keys, *, hasher) -> dict[str, Suppressed]
    hashing       check_key(session, hasher) -> None; raises AddressKeyChangedError
    allowance     claim(session, kind, hashes, *, now) -> set[str] · close(session, kind, hash, *, now)
    consent       append(session, events: Sequence[Event], *, now) -> list[int] · head(session) -> Anchor
    verification  verify(session, *, anchors=()) -> Verification(events, subjects, erased, head, first_bad, ok)
    proof         proof(session, address, *, timezone) -> Proof | None
    anchors       line(anchor, *, on) -> str · read(lines) -> list[Anchor]: the file that `verify` compares with
    replay        line(fact) -> str · read(lines) -> Iterator[Fact]
                  replay(session, facts, *, now, hasher, withdraw) -> int: after an older database was put back
    retention     sweep(session, *, now, hasher, withdraw, periods, limit) -> Swept; repeat until `total` is 0
"""
