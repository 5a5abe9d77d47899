echo "$GIT_SHA" > /sha
