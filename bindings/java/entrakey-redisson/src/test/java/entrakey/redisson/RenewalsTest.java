package entrakey.redisson;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;

class RenewalsTest {
    private static boolean isDue(CompletionStage<Void> moment) {
        return moment.toCompletableFuture().isDone();
    }

    @Test
    void aConnectionAuthenticatesAgainWhenThereIsANewToken() {
        Renewals renewals = new Renewals();
        renewals.resolved(1);
        CompletionStage<Void> moment = renewals.next();
        assertFalse(isDue(moment));
        renewals.announce(2);
        assertTrue(isDue(moment));
        renewals.resolved(2);
        assertFalse(isDue(renewals.next()), "until the one after");
    }

    @Test
    void aTokenThatIsAnnouncedBetweenTheCredentialsAndTheQuestionIsNotMissed() {
        Renewals renewals = new Renewals();
        renewals.resolved(1);
        renewals.announce(2);
        assertTrue(isDue(renewals.next()), "it has the older one");
        renewals.resolved(2);
        assertFalse(isDue(renewals.next()));
    }

    @Test
    void connectionsThatFailedCostOneNeedlessAuthEachAndNoMore() {
        Renewals renewals = new Renewals();
        renewals.resolved(1);
        renewals.resolved(1);
        CompletionStage<Void> moment = renewals.next(); // the other one failed to connect
        renewals.announce(2);
        assertTrue(isDue(moment));
        renewals.resolved(2);
        assertTrue(isDue(renewals.next()));
        renewals.resolved(2);
        assertFalse(isDue(renewals.next()));
    }
}
