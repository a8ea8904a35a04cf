package entrakey;

import java.io.PrintWriter;
import java.io.StringWriter;

/** One provider from {@code key value ...} on the command line, one call of getToken: what a Java program sees of it. */
final class ContractProgram {
    private ContractProgram() {}

    public static void main(String[] words) {
        ProviderBuilder builder = Provider.builder();
        for (int at = 0; at + 1 < words.length; at += 2) {
            String value = words[at + 1];
            switch (words[at]) {
                case "token_callback":
                    builder.tokenSource(scope -> AccessToken.of(supplied(value)));
                    break;
                case "assertion_callback":
                    builder.assertionSource(() -> supplied(value));
                    break;
                default:
                    builder.set(words[at], value);
            }
        }
        try (Provider provider = builder.build()) {
            Token token = provider.getToken();
            System.out.println("username: " + token.username() + "\nversion: " + token.version());
            System.out.println("shown: " + builder + ' ' + provider + ' ' + token + ' ' + provider.status());
        } catch (EntrakeyException e) {
            StringWriter trace = new StringWriter();
            e.printStackTrace(new PrintWriter(trace));
            System.out.println("error: " + e.kind() + "\nretriable: " + e.isRetriable() + "\naadsts: " + e.aadsts().orElse(0));
            System.out.println("message: " + e.getMessage() + "\nshown: " + builder + ' ' + e + ' ' + trace);
        }
    }

    /** A text that begins with ! is why a callback fails. */
    private static String supplied(String text) {
        if (text.startsWith("!")) {
            throw new IllegalStateException(text.substring(1));
        }
        return text;
    }
}
