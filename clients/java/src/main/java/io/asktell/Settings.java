package io.asktell;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** What a client was built with, with environment and defaults filled in. */
record Settings(
    List<Address> addresses,
    String project,
    String workerId,
    String token,
    boolean tls,
    Path certificates,
    Duration timeout,
    Duration askTimeout) {

  Settings {
    addresses = List.copyOf(addresses);
  }

  String parent() {
    return "projects/" + project;
  }

  /** Options come before the environment, and that before defaults. */
  static Settings of(Client.Builder chosen, Map<String, String> environment) {
    // An option hides its variable: a broken variable must not spoil a good argument.
    String addresses =
        chosen.address != null ? chosen.address : environment.getOrDefault("ASKTELL_ADDRESS", "");
    Path certificates = chosen.certificates;
    String trusted = environment.getOrDefault("ASKTELL_TLS_CA", "");
    if (!chosen.tls && !trusted.isEmpty()) {
      certificates = Path.of(trusted);
    }
    String token =
        chosen.token != null ? chosen.token : environment.getOrDefault("ASKTELL_TOKEN", "");
    return new Settings(
        Address.parseAll(addresses),
        chosen.project,
        chosen.workerId != null ? chosen.workerId : defaultWorker(),
        token,
        chosen.tls || certificates != null,
        certificates,
        chosen.timeout,
        chosen.askTimeout);
  }

  private static String defaultWorker() {
    String host;
    try {
      host = java.net.InetAddress.getLocalHost().getHostName();
    } catch (java.net.UnknownHostException nameless) {
      host = "unknown";
    }
    return host + ":" + ProcessHandle.current().pid();
  }
}
